"""The image that Azure ML has built of a version's environment: what really runs, beside the bundle that was promoted.

The image is built when the version is deployed, which is before it has any traffic. It stands alone, since bundles
and plans know nothing of images.
"""

from shared.application.promotion.stage_training import Order
from shared.domain.failures import Refused
from shared.domain.promotion.bundles import companion
from shared.domain.promotion.receipts import Receipt
from shared.ports import Models


def built_image(models: Models, order: Order) -> str:
    """The digest of the image in the stage's workspace; empty where it has none, or the service does not say."""
    environment, plan = order.at.stage.environment, order.plan
    return models.image_digest(environment, companion(plan.model, plan.digest)) if environment else ""


def refuse_other_image(first: Receipt | None, image: str, stage: str) -> None:
    """Raise Refused where *image* is not the one that was measured, by the exit receipt *first* of the *stage*.

    An image of which the service says nothing, then or now, is no other image.
    """
    if first is not None and first.image and image and image != first.image:
        raise Refused(
            f"the image of {first.model} at {stage} is {image}, and {first.image} was measured: it was built again; "
            "promote the version anew"
        )

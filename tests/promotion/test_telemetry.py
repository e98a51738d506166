"""A promotion's trace joins what its people did; its fate and how long they took are figures."""

from tests.promotion.conftest import PromotionApp
from tests.recorder import recorder


async def test_a_promotion_is_one_trace_with_the_doors_people_used_and_its_figures(app: PromotionApp):
    told = recorder()
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1")
    await app.approve(promotion)
    await app.finish(promotion)

    names = told.names(promotion)
    assert {"receive POST promotions", "start promote", "promote", "assess_stage", "make_move", "close_promotion"} <= {
        *names
    }
    assert names.count("receive POST promotions/{promotion}/approve") == 2
    assert names.count("wake decision_given") == 2
    assert names.count("promote") == 1
    assert told.count("signalbox.promotions", fate="promoted", target="central") == 1
    assert told.count("signalbox.approval.wait", stage="central", standing="approved") >= 1
    assert told.total("signalbox.approval.wait", stage="central") > 0
    assert told.count("signalbox.effect.lag", effect="promoted", target="central") == 1


async def test_the_trace_of_a_promotion_names_each_move_and_the_stage_it_is_made_on(app: PromotionApp):
    told = recorder()
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1")
    await app.approve(promotion)
    await app.finish(promotion)

    spans = [span for span in told.of(promotion) if span.name == "make_move"]
    moves = {(span.attributes["signalbox.stage"], span.attributes["signalbox.move"]) for span in spans}
    assert {("preprod", "copy_bundle"), ("preprod", "switch_traffic"), ("central", "approve_entry")} <= moves
    assert all(isinstance(value, str) for span in spans for value in span.attributes.values())

"""A function for each kind of route; each says its own name and what the route told it."""

import json

import azure.functions as func

blueprint = func.Blueprint()

TEMPLATES = {
    "an_int": "int/{value:int}",
    "a_long": "long/{value:long}",
    "a_bool": "bool/{value:bool}",
    "a_guid": "guid/{value:guid}",
    "letters": "alpha/{value:alpha}",
    "a_decimal": "decimal/{value:decimal}",
    "a_double": "double/{value:double}",
    "a_moment": "datetime/{value:datetime}",
    "three_long": "length/{value:length(3)}",
    "two_to_four_long": "lengths/{value:length(2,4)}",
    "three_or_longer": "minlength/{value:minlength(3)}",
    "three_or_shorter": "maxlength/{value:maxlength(3)}",
    "ten_or_more": "min/{value:min(10)}",
    "ten_or_less": "max/{value:max(10)}",
    "ten_to_twenty": "range/{value:range(10,20)}",
    "a_pattern": "regex/{value:regex(^[a-c]+$)}",
    "required": "required/{value:required}",
    "a_file": "file/{*value:file}",
    "no_file": "nonfile/{*value:nonfile}",
    "both": "both/{value:int:min(5)}",
    "optional": "optional/{value?}",
    "by_default": "default/{value=home}",
    "rest": "rest/{*value}",
    "two_in_one": "two/{value}.{ending}",
    "literal": "shop/new",
    "parameter": "shop/{value}",
    "Mixed_Case": "Mixed/Case",
    "from_setting": "%CONFORMANCE_ROUTE%",
}


def add(name: str, template: str) -> None:
    @blueprint.function_name(name)
    @blueprint.route(template, methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
    def answer(req: func.HttpRequest) -> str:
        return json.dumps([name, dict(req.route_params)])


for name, template in TEMPLATES.items():
    add(name, template)

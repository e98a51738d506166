"""The second app of the suite: with the http-fastapi extension, every HTTP function of an app gets streams."""

import asyncio
import hashlib
from collections import defaultdict

import azure.functions as func
from azurefunctions.extensions.http.fastapi import JSONResponse, PlainTextResponse, Request, Response, StreamingResponse

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
arrived: dict[str, int] = {}
released: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)


@app.route("upload/{key}", methods=["POST"])
async def upload(req: Request) -> JSONResponse:
    """Takes a body piece by piece."""
    digest, size = hashlib.sha256(), 0
    async for piece in req.stream():
        digest.update(piece)
        size += len(piece)
        arrived[req.path_params["key"]] = size
    return JSONResponse({"size": size, "sha256": digest.hexdigest()})


@app.route("arrived/{key}", methods=["GET"])
async def tell(req: Request) -> JSONResponse:
    return JSONResponse(arrived.get(req.path_params["key"], 0))


@app.route("download/{key}", methods=["GET"])
async def download(req: Request) -> StreamingResponse:
    """Gives its second half once it is released."""
    key = req.path_params["key"]

    async def pieces():
        yield "first "
        await released[key].wait()
        yield "second"

    return StreamingResponse(pieces(), media_type="text/event-stream", headers={"X-Own": "1"})


@app.route("release/{key}", methods=["POST"])
async def release(req: Request) -> Response:
    released[req.path_params["key"]].set()
    return Response(status_code=204)


@app.route("large", methods=["GET"])
def large(req: Request) -> StreamingResponse:
    """A function that is not async, with a generator that is not either."""
    count = int(req.query_params["count"])
    return StreamingResponse((bytes([number % 256]) * 65_536 for number in range(count)), media_type="image/png")


@app.route("seen/{name}/{number:int}")
async def seen(req: Request) -> JSONResponse:
    body = await req.body()
    return JSONResponse(
        {
            "method": req.method,
            "path": req.url.path,
            "params": req.path_params,
            "query": req.query_params.multi_items(),
            "mark": req.headers.getlist("x-mark"),
            "body": body.hex(),
        }
    )


@app.route("values/{kind}")
async def values(req: Request):
    match req.path_params["kind"]:
        case "text":
            return "text"
        case "dictionary":
            return {"a": [1, None]}
        case "nothing":
            return None
        case "cookies":
            response = PlainTextResponse("set", status_code=201)
            response.set_cookie("a", "1")
            response.set_cookie("b", "2")
            return response
        case "exit":
            raise SystemExit(3)
    raise ValueError("this is the function's own error")


@app.route("broken", methods=["GET"])
async def broken(req: Request) -> StreamingResponse:
    async def pieces():
        yield req.method
        raise ValueError("it breaks off")

    return StreamingResponse(pieces())


@app.route("locked", auth_level=func.AuthLevel.FUNCTION)
async def locked(req: Request) -> PlainTextResponse:
    return PlainTextResponse("locked " + req.method)

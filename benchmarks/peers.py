"""What people use instead: each reads all customers into a frame, in the way that its own documentation shows.

The last one is no peer but a bound: aiohttp with the fastest parser there is, and columns in Arrow.
"""

import asyncio
import math
import os

import aiohttp
import httpx
import orjson
import pandas as pd
import pyarrow as pa
import requests

STATUSES = ("active", "inactive")  # the service has no "all"
PAGE_SIZE = 100


def _parameters(status, page):
    return {"page": page, "page_size": PAGE_SIZE, "sort_by": "created_at", "sort": "asc", "status": status}


def naive_loop(url, key, get=requests.get, share=1):
    """Read page after page with requests, and normalize; a share of the pages only, where that takes a minute."""
    rows = []
    for status in STATUSES:
        page, last = 1, math.inf
        while page is not None and page <= last:
            answer = get(f"{url}/customers", params=_parameters(status, page), headers={"X-API-Key": key})
            answer.raise_for_status()
            body = answer.json()
            rows += body["data"]
            page, last = body["pagination"]["next_page"], body["pagination"]["total_pages"] // share
    return pd.json_normalize(rows)


def session_loop(url, key):
    """Do the same over a connection that stays open."""
    with requests.Session() as session:
        return naive_loop(url, key, session.get)


def dlt_client(url, key):
    """Read with dlt's REST client."""
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    from dlt.sources.helpers.rest_client import RESTClient  # noqa: PLC0415 - a second of imports
    from dlt.sources.helpers.rest_client.auth import APIKeyAuth  # noqa: PLC0415
    from dlt.sources.helpers.rest_client.paginators import PageNumberPaginator  # noqa: PLC0415

    rows = []
    for status in STATUSES:
        client = RESTClient(
            base_url=url,
            auth=APIKeyAuth(name="X-API-Key", api_key=key, location="header"),
            paginator=PageNumberPaginator(base_page=1, total_path="pagination.total_pages"),
            data_selector="data",
        )
        parameters = _parameters(status, 1)
        del parameters["page"]
        for page in client.paginate("/customers", params=parameters):
            rows += page
    return pd.DataFrame(rows)


def httpx_async(url, key, connections):
    """Read with httpx, so many requests at a time."""

    async def read():
        limits = httpx.Limits(max_connections=connections)
        async with httpx.AsyncClient(headers={"X-API-Key": key}, limits=limits, timeout=None) as client:  # noqa: S113

            async def get(status, page):
                answer = await client.get(f"{url}/customers", params=_parameters(status, page))
                answer.raise_for_status()
                return answer.json()

            return await _all_pages(get)

    return pd.DataFrame([row for body in asyncio.run(read()) for row in body["data"]])


def aiohttp_async(url, key, connections):
    """Read with aiohttp, so many requests at a time."""

    async def parsed(answer):
        return await answer.json()

    bodies = asyncio.run(_with_aiohttp(url, key, connections, parsed))
    return pd.DataFrame([row for body in bodies for row in body["data"]])


def aiohttp_bound(url, key, connections):
    """Read with aiohttp as fast as can be: orjson, and an Arrow batch for each page as it arrives."""
    batches = []

    async def parsed(answer):
        body = orjson.loads(await answer.read())
        if body["data"]:
            batches.append(pa.RecordBatch.from_pylist(body["data"]))
        return body

    asyncio.run(_with_aiohttp(url, key, connections, parsed))
    return pa.Table.from_batches(batches).to_pandas(
        types_mapper={pa.string(): pd.StringDtype(na_value=float("nan"))}.get
    )


async def _with_aiohttp(url, key, connections, parse):
    connector = aiohttp.TCPConnector(limit=connections)
    async with aiohttp.ClientSession(headers={"X-API-Key": key}, connector=connector) as session:

        async def get(status, page):
            async with session.get(f"{url}/customers", params=_parameters(status, page)) as answer:
                answer.raise_for_status()
                return await parse(answer)

        return await _all_pages(get)


async def _all_pages(get):
    """Read the first page of each status, which says how many there are, and all others at once."""
    first = await asyncio.gather(*(get(status, 1) for status in STATUSES))
    others = [
        get(status, page)
        for status, body in zip(STATUSES, first, strict=True)
        for page in range(2, body["pagination"]["total_pages"] + 1)
    ]
    return [*first, *await asyncio.gather(*others)]

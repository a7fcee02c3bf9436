"""Which pages the service has, straight from its routers, and which of them a browser was given."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

# What answers a GET and is no page of its own, by what its route has in it, each with the reason.
NO_PAGES: Final = {
    r"^/api/|^/healthz|^/readyz|^/metrics|openapi": "for programs",
    r"^/static/|css": "files of pages",
    r"csv|\.json|\.geojson": "data",
    r"/progress$|^/desk$|^/desk311/line$": "a part of a page that renews itself",
    r"/worker\.js$": "a program of a page",
    r"/sound$|^/voice/sound/": "a recording that a page or a telephone plays",
    r"\.xml$": "for programs of other agencies",
    r"\.svg$": "a picture on a page",
    r"^/sign-in/identity/return$": "where an identity provider leads back to: identity.mjs",
    r"/document$": "what another agency sent, to be kept as it came",
    r"^/webhooks/.*/messages": "what a partner missed, for programs",
    r"banner": "a part of other sites' pages",
    r"/manage/code$": "leads back to where the code is asked for",
    r"/check$": "leads back to the alert's page; its answer to a question is looked at",
    r"^/p/": "a page's link leads to the decision",
    r"^/incidents/[^/]+$": "leads to the incident's last alert",
    r"feeds/|cap/|areas/": "for partners",
    r"^/demo/": "the same pages in a demo",
    r"^/\(\?P<path>\[a-z\][^/]*$": "leads to the same address with a slash",
}


def is_page(route: str) -> bool:
    return not any(re.search(pattern, route) for pattern in NO_PAGES)


def name_of(resource: web.AbstractResource) -> str:
    """The route as the router has it: its path, or the pattern of paths where one name stands for several."""
    info = resource.get_info()
    pattern = info["pattern"].pattern if "pattern" in info else ""
    return pattern.replace("\\", "") if "<path>" in pattern else resource.canonical


@dataclass(slots=True)
class Visits:
    """What both listeners can answer a GET with, and in which languages a browser was given it as a page."""

    applications: list[web.Application] = field(default_factory=list)
    seen: dict[str, set[str]] = field(default_factory=dict)

    def watch(self, application: web.Application) -> None:
        @web.middleware
        async def note(request: web.Request, handler: Handler) -> web.StreamResponse:
            answer = await handler(request)
            resource = request.match_info.route.resource
            if resource is not None and answer.status in (200, 422):
                self.seen.setdefault(name_of(resource), set()).add(language_of(request, answer))
            return answer

        self.applications.append(application)
        application.middlewares.append(note)

    def missed(self) -> list[str]:
        """Pages that nobody opened; those of the console in English or in Arabic."""
        public, private = ([*dict.fromkeys(pages_of(one))] for one in self.applications)
        found = [f"public {one}" for one in public if one not in self.seen]
        return found + [f"{one} in {tag}" for one in private for tag in ("en", "ar") if tag not in self.seen.get(one, ())]


def pages_of(application: web.Application) -> Iterator[str]:
    for route in application.router.routes():
        if route.method == "GET" and route.resource is not None and is_page(name := name_of(route.resource)):
            yield name


def language_of(request: web.Request, answer: web.StreamResponse) -> str:
    """The console says it in a header; a public page has it in its address, its variable part or its own first line."""
    told = answer.headers.get("Content-Language")
    if told:
        return told
    body = answer.body if isinstance(answer, web.Response) and isinstance(answer.body, bytes) else b""
    found = re.search(rb'<html lang="([^"]+)"', body[:400])
    return found[1].decode() if found else "ar" if request.path.startswith("/ar") else "en"

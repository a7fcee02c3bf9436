"""The simulator's telephones before a small voice application, for a browser: prints the page's address, and ends when its
input ends. A line of input, "call back", has the city call the first phone, and is answered by a line."""

import asyncio
import sys
import tempfile
from pathlib import Path

from aiohttp import web

from channels.simulator import SimulatorConfig, running
from channels.simulator.telephone.config import TelephoneConfig, VoiceNumber
from channels.simulator.telephone.legs import Source
from channels.simulator.telephone.orders import Order

CITY = "+15035550311"
ROW = ({"number": "+14585550101", "language": "en", "place": "97206"}, {"number": "+14585550102", "language": "ar"})
MENU = "<Say>City of Portland. For English press 1.</Say><Say language='ar-XA'>للعربية اضغط 9.</Say>"
SAID = {
    "1": "<Say>Boil tap water for one minute before you drink it.</Say><Pause length='120'/>",
    "9": "<Say language='ar-XA'>اغلوا ماء الصنبور دقيقة كاملة قبل الشرب.</Say><Pause length='120'/>",
}


async def take(request: web.Request) -> web.Response:
    form = await request.post()
    inside = {
        "/ring": f'<Gather numDigits="1" action="/said" timeout="60">{MENU}</Gather>',
        "/said": SAID.get(str(form.get("Digits")), "<Redirect>/ring</Redirect>"),
        "/back": "<Say>This is the city, calling you back.</Say><Pause length='120'/>",
    }[request.path]
    return web.Response(text=f"<Response>{inside}</Response>", content_type="text/xml")


async def serve(folder: Path) -> None:
    app = web.Application()
    app.router.add_post("/{path:.*}", take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    telephone = TelephoneConfig(numbers=(VoiceNumber(number=CITY, url=f"{url}/ring"),), speed=2.0)
    async with running(SimulatorConfig(log=folder / "log", telephone=telephone, phones=ROW)) as simulator:
        print(simulator.phones_url, flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            simulator.telephone.touch()
            order = Order(to=str(ROW[0]["number"]), caller=CITY, source=Source(url=f"{url}/back"))
            simulator.telephone.board.create(order)
            print("called", flush=True)
    await runner.cleanup()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(serve(Path(folder)))


if __name__ == "__main__":
    main()

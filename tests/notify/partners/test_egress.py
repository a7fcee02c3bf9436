"""What somebody typed leads to no inner address: over real sockets, each of which counts whoever comes in."""

import asyncio
import tracemalloc
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.alerts.alert import Mode
from notify.partners import inner_networks
from notify.partners.address import Rules, problems, rules, setting_problems
from notify.partners.egress import Egress, Names, Refused, Unreachable
from tests.notify.receivers import LET_IN, endless, listening, saying, silent

PUBLIC = "93.184.215.14"
INNER_HOSTS = """
    127.0.0.1 127.1 127.0.1 0 0.0.0.0 2130706433
    0x7f000001 0x7f.1 0X7F.0.0.1 0177.0.0.1 017700000001 127.0.0.1.
    127.0.0.01 １２７.０.０.１ ①②⑦.⓪.⓪.① 127。0。0。1 localhost localhost.
    [::1] [::] [::ffff:127.0.0.1] [::ffff:7f00:1] [0:0:0:0:0:ffff:127.0.0.1] [::127.0.0.1]
    [64:ff9b::127.0.0.1] [64:ff9b:1::7f00:1] [2002:7f00:1::] [2001:0:7f00:1::] [fc00::1] [fd00:ec2::254]
    [fe80::1] [fe80::1%25lo] [ff02::1] 10.0.0.1 100.64.0.1 100.100.100.200
    168.63.129.16 169.254.169.254 172.16.0.1 192.0.0.192 192.168.1.1 198.18.0.1
    224.0.0.1 255.255.255.255 0xa9fea9fe 2852039166 0251.0376.0251.0376
""".split()


@pytest.mark.parametrize("host", INNER_HOSTS)
async def test_no_way_of_writing_an_inner_address_leads_to_a_connection(host: str) -> None:
    async with listening() as door, listening(host="::1") as other:
        for port in (door.port, other.port):
            strict = Rules(ports=frozenset({port}), plain=True)
            async with Egress(strict) as egress:
                with pytest.raises((Refused, Unreachable)):  # some resolvers do not know "localhost."
                    await egress.ask("POST", f"http://{host}:{port}/", body=b"{}")
        assert (door.connections, other.connections) == (0, 0)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("file:///etc/passwd", "must begin with https://"),
        ("gopher://example.gov/", "must begin with https://"),
        ("http://example.gov/", "must begin with https://"),
        ("https://user:secret@example.gov/", "before '@'"),
        ("https://example.gov/#part", "'#...'"),
        ("https://example.gov:22/", "port 22 is not one of 443, 8443"),
        ("https://exa mple.gov/", "a space"),
        ("https://example.gov\\@127.0.0.1/", "a backslash"),
        ("https://exam\tple.gov/", "cannot be seen"),
        ("https://[::1/", "no web address"),
        ("https:///path", "names no host"),
        ("https://a..b/", "cannot be the name"),
        ("https://exa%6dple.gov/", "cannot be the name"),
        ("example.gov", "must begin with https://"),
        ("https://example.gov/" + "x" * 2000, "longer than 2000"),
    ],
)
def test_what_is_wrong_with_an_address_is_said_when_it_is_typed(text: str, says: str) -> None:
    assert says in " ".join(problems(text, Rules()))


def test_every_problem_of_an_address_is_said_at_once() -> None:
    assert len(problems("ftp://me@10.0.0.1/#x", Rules())) == 4


@pytest.mark.parametrize(
    "text", ["https://example.gov/hook?a=b", "https://münchen.example:8443/", f"https://{PUBLIC}/", "https://[2606:4700::1]/"]
)
def test_an_ordinary_address_is_in_order(text: str) -> None:
    assert problems(text, Rules()) == []


@given(st.ip_addresses())
def test_what_python_knows_as_an_inner_address_is_one_here(found: IPv4Address | IPv6Address) -> None:
    if found.is_private or found.is_multicast or found.is_reserved or found.is_link_local or found.is_loopback:
        assert inner_networks.why_inner(found)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_inside_an_ipv6_one_is_an_inner_address(found: IPv4Address) -> None:
    number = int(found)
    for disguised in (0xFFFF << 32 | number, number, 0x64FF9B << 96 | number, 0x2002 << 112 | number << 80):
        assert inner_networks.why_inner(IPv6Address(disguised))


@given(st.ip_addresses(v=4), st.sampled_from(["{}", "0x{:x}", "0{:o}"]))
def test_an_address_written_as_one_number_is_refused(found: IPv4Address, form: str) -> None:
    assert problems(f"https://{form.format(int(found))}/", Rules())


@pytest.mark.parametrize(
    "answers", [["127.0.0.1"], [PUBLIC, "127.0.0.1"], ["::1"], ["::ffff:127.0.0.1"], ["169.254.169.254", PUBLIC]]
)
async def test_a_name_that_leads_inside_with_one_of_its_addresses_is_not_connected_to(answers: Sequence[str]) -> None:
    async def names(host: str) -> Sequence[str]:
        return answers

    async with listening() as door:
        async with Egress(Rules(ports=frozenset({door.port}), plain=True), look_up=names) as egress:
            with pytest.raises(Refused, match="leads to an address that is not allowed"):
                await egress.ask("POST", f"http://partner.example.gov:{door.port}/")
        assert door.connections == 0


async def test_a_name_that_changes_after_the_look_is_connected_to_where_it_was_judged() -> None:
    """DNS rebinding: the second answer is never asked for, and the connection goes to the first."""
    asked = []

    async def names(host: str) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    async with listening() as judged, listening(host="127.0.0.2") as later:
        only = Rules(inside=(ip_network("127.0.0.1/32"),), ports=frozenset({judged.port}), plain=True)
        async with Egress(only, look_up=names) as egress:
            answer = await egress.ask("POST", f"http://partner.example.gov:{judged.port}/")
            assert answer.status == 204
            with pytest.raises(Refused):
                await egress.ask("POST", f"http://partner.example.gov:{judged.port}/")
        assert (judged.connections, later.connections, len(asked)) == (1, 0, 2)


async def test_the_socket_itself_is_refused_to_an_inner_address_whatever_led_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notify.partners.egress.problems", lambda url, rules: [])
    async with listening() as door, Egress(Rules(plain=True)) as egress:
        with pytest.raises(Refused, match="inner address"):
            await egress.ask("GET", door.url)
        assert door.connections == 0


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    async with listening() as inner:
        away = saying(f"HTTP/1.1 302 Found\r\nLocation: {inner.url}\r\nContent-Length: 0\r\n\r\n".encode())
        async with listening(away) as door, Egress(LET_IN) as egress:
            assert (await egress.ask("POST", door.url, body=b"{}")).status == 302
        assert (door.connections, inner.connections) == (1, 0)


async def test_an_endless_answer_is_cut_and_fills_no_memory() -> None:
    async with listening(endless) as door, Egress(LET_IN) as egress:
        tracemalloc.start()
        answer = await egress.ask("POST", door.url, most_body=1000)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert answer.cut
    assert answer.body == b"x" * 1000
    assert most < 8_000_000


async def test_a_packed_answer_is_not_unpacked() -> None:
    packed = saying(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nbomb")
    async with listening(packed) as door, Egress(LET_IN) as egress:
        assert (await egress.ask("GET", door.url)).body == b"bomb"


async def test_whoever_says_nothing_is_waited_for_no_longer_than_the_limit() -> None:
    async with listening(silent) as door, Egress(LET_IN) as egress:
        with pytest.raises(Unreachable, match=r"no answer within 0\.2 s"):
            await egress.ask("POST", door.url, timeout_s=0.2)


async def test_whoever_answers_letter_by_letter_is_cut_off_at_the_same_limit() -> None:
    async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            await asyncio.wait([asyncio.ensure_future(reader.read(1))], timeout=0.02)

    async with listening(dripping) as door, Egress(LET_IN) as egress:
        with pytest.raises(Unreachable, match="no answer within"):
            await egress.ask("POST", door.url, timeout_s=0.3)


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (b"SSH-2.0-x\r\n\r\n", "not HTTP"),
        (b"", "lost"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 20000 + b"\r\n\r\n", "not HTTP"),
    ],
)
async def test_what_is_no_answer_is_said_in_words_that_hold_no_path(reply: bytes, says: str) -> None:
    async with listening(saying(reply)) as door, Egress(LET_IN) as egress:
        with pytest.raises(Unreachable, match=says) as caught:
            await egress.ask("POST", door.url.replace("hook", "secret-path"))
    assert "secret-path" not in str(caught.value)


async def test_a_dead_port_is_said_as_such() -> None:
    async with listening() as door:
        pass
    async with Egress(LET_IN) as egress:
        with pytest.raises(Unreachable, match="no connection"):
            await egress.ask("POST", door.url)


async def test_a_name_that_nobody_knows_is_said_as_such() -> None:
    async def nobody(host: str) -> Sequence[str]:
        raise OSError("no such name")

    async with Egress(Rules(), look_up=nobody) as egress:
        with pytest.raises(Unreachable, match="its name is not known"):
            await egress.ask("POST", "https://partner.example.gov/")


async def test_a_slow_look_up_counts_into_the_limit() -> None:
    async def slow(host: str) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    async with Egress(Rules(), look_up=slow) as egress:
        with pytest.raises(Unreachable, match="no answer within"):
            await egress.ask("POST", "https://partner.example.gov/", timeout_s=0.1)


async def test_a_name_is_looked_up_once_at_a_time_however_often_it_is_asked_for() -> None:
    names = Names()
    assert await asyncio.gather(*(names.look_up("127.0.0.1") for _ in range(50))) == [["127.0.0.1"]] * 50
    names.close()


def test_live_speaks_https_alone_and_demo_reaches_this_machine_alone() -> None:
    here = rules(Mode.DEMO, "", "")
    assert problems("http://example.gov/", rules(Mode.LIVE, "", ""))
    assert problems("http://example.gov/", rules(Mode.TRAINING, "", "")) == []
    assert problems(f"https://{PUBLIC}/", here) == [
        f"Nothing is sent there: {PUBLIC} is not on this machine, and mode demo reaches nothing else."
    ]
    assert problems("http://127.0.0.1:9000/", here) == []


def test_only_an_inner_network_may_be_let_in() -> None:
    assert rules(Mode.LIVE, " 10.2.0.0/16, fd00::/8 ", "443, 9443").inside == (
        ip_network("10.2.0.0/16"),
        ip_network("fd00::/8"),
    )
    wrong = setting_problems("0.0.0.0/0,8.8.8.0/24,10.0.0.0/7,::/0,10.0.0.1/8,inside", "443,70000,x")
    assert len(wrong) == 8
    assert wrong[0] == "TOCSIN_EGRESS_INSIDE: 0.0.0.0/0 is no inner network"
    assert not inner_networks.why_inner(ip_address(PUBLIC))

"""A Python client of the exchange (the `websockets` package). Runs on its own: python_client.py [path of hoga]."""

import asyncio
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import time
import unittest
import urllib.request

import websockets
from websockets.exceptions import ConnectionClosed, InvalidStatus

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
START_SECONDS = 30
PATIENCE = 10


class Exchange:
    """A `hoga serve` of its own, on any free port, with an empty journal."""

    async def __aenter__(self):
        self.data_dir = tempfile.mkdtemp(prefix="hoga-e2e-")
        self.process = await asyncio.create_subprocess_exec(
            os.environ["E2E_HOGA"], "serve", "--listen", "127.0.0.1:0", "--data-dir", self.data_dir,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )
        self.drain = None
        try:
            await self.become_ready()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def become_ready(self):
        said = ""
        async with asyncio.timeout(START_SECONDS):
            while not (found := re.search(r"127\.0\.0\.1:(\d+)", said)):
                line = await self.process.stdout.readline()
                if not line:
                    raise RuntimeError(f"hoga ended before it named its address:\n{said}")
                said += line.decode()
            self.host = f"127.0.0.1:{found[1]}"
            self.drain = asyncio.create_task(self.process.stdout.read())
            while not await asyncio.to_thread(self.is_ready):
                await asyncio.sleep(0.05)

    async def __aexit__(self, *_):
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        if self.drain:
            await self.drain
        shutil.rmtree(self.data_dir, ignore_errors=True)

    def is_ready(self):
        try:
            return urllib.request.urlopen(f"http://{self.host}/readyz", timeout=5).status == 200
        except OSError:
            return False

    async def place(self, side, price, quantity):
        """Places a limit order; price and quantity are sent with exactly these digits. Returns its id."""
        body = f'{{"symbol":"BTC-KRW","side":"{side}","type":"Limit","price":{price},"quantity":{quantity}}}'
        request = urllib.request.Request(
            f"http://{self.host}/api/v1/orders", body.encode(), {"content-type": "application/json"}
        )
        answer = await asyncio.to_thread(urllib.request.urlopen, request, timeout=PATIENCE)
        assert answer.status == 201, answer.status
        return json.load(answer)["order_id"]

    def stream(self, query=""):
        """Connects to the founding stream."""
        return websockets.connect(f"ws://{self.host}/ws/executions{query}", open_timeout=PATIENCE, proxy=None)


async def receive(stream, count):
    """The next `count` raw messages."""
    async with asyncio.timeout(PATIENCE):
        return [await stream.recv() for _ in range(count)]


class PythonClient(unittest.IsolatedAsyncioTestCase):
    def check(self, message, order_id, side, price, quantity, fee):
        """The raw text of an execution: eight fields, this order, these digits."""
        expected = (
            f'{{"exec_id":"{UUID}","order_id":"{order_id}","symbol":"BTC-KRW","side":"{side}","price":{price},'
            f'"quantity":{re.escape(quantity)},"fee":{re.escape(fee)},"transaction_time":"{TIME}"}}'
        )
        self.assertRegex(message, f"^{expected}$")
        self.assertIsInstance(message, str, "a text frame")

    async def test_executions_have_exactly_the_eight_fields_with_exact_numbers(self):
        async with Exchange() as exchange, exchange.stream() as stream:
            for price, quantity, taker_fee, maker_fee in [
                ("50000000", "0.5", "12500", "5000"),
                ("50001000", "0.00000001", "0.00025001", "0.00010001"),
            ]:
                maker = await exchange.place("Sell", price, quantity)
                taker = await exchange.place("Buy", price, quantity)
                first, second = await receive(stream, 2)
                self.check(first, taker, "Buy", price, quantity, taker_fee)
                self.check(second, maker, "Sell", price, quantity, maker_fee)

    async def test_a_symbol_filter_lets_nothing_else_through(self):
        async with Exchange() as exchange, exchange.stream("?symbol=ETH-KRW") as other, exchange.stream() as all_of_it:
            await exchange.place("Sell", "50000000", "0.5")
            await exchange.place("Buy", "50000000", "0.5")
            await receive(all_of_it, 2)
            with self.assertRaises(TimeoutError):
                async with asyncio.timeout(0.5):
                    await other.recv()

    async def test_pings_are_answered(self):
        async with Exchange() as exchange, exchange.stream() as stream:
            async with asyncio.timeout(PATIENCE):
                await (await stream.ping(b"hoga"))

    async def test_a_handshake_for_an_unknown_symbol_is_refused_in_words(self):
        async with Exchange() as exchange:
            with self.assertRaises(InvalidStatus) as refused:
                async with exchange.stream("?symbol=NO-SUCH"):
                    pass
            self.assertEqual(refused.exception.response.status_code, 404)
            self.assertIn("error", json.loads(refused.exception.response.body))

    async def test_a_stop_drains_and_closes_with_1001(self):
        async with Exchange() as exchange, exchange.stream() as stream:
            started = time.monotonic()
            exchange.process.send_signal(signal.SIGTERM)
            with self.assertRaises(ConnectionClosed) as closed:
                async with asyncio.timeout(PATIENCE):
                    await stream.recv()
            self.assertEqual(closed.exception.rcvd.code, 1001)
            async with asyncio.timeout(PATIENCE):
                self.assertEqual(await exchange.process.wait(), 0, f"after {time.monotonic() - started:.1f} s")


if __name__ == "__main__":
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        os.environ["E2E_HOGA"] = sys.argv.pop(1)
    unittest.main(verbosity=2)

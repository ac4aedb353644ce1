"""Faulty files for every reader: only a ClifError may come of them, within 5 seconds and little memory."""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

SLOW = 5.0  # CPU seconds
ROOM, TIMES = 100_000_000, 10  # bytes that a file may take in memory: ROOM + TIMES x its size
SPACE = 8 << 30  # of addresses, beyond those of the start: more is asked for by none that means well
REPORT = "report.json"
ENGINES = ("hypothesis", "atheris")
SHARE = 20  # one input in SHARE is made by hypothesis, which is slower and knows more of the formats
NEW_MARK = 512  # inputs after which the mark of the most memory begins anew


class Watch:
    """Calls a reader and notes what it should not have done, each fault once, with the input that did it."""

    def __init__(self, read: Callable[[Path], Any], path: Path, findings: Path, inputs: int, seconds: float) -> None:
        from clif.errors import ClifError

        self._error = ClifError
        self._read, self._path, self._findings = read, path, findings
        self._inputs, self._began = inputs, time.process_time()
        self._ends = self._began + seconds
        self.count = 0
        self._seen: set[str] = set()
        self._base = 0

    @property
    def left(self) -> int:
        """Inputs that are still to come; 0 when there is no time left."""
        return 0 if time.process_time() > self._ends else self._inputs - self.count

    @property
    def done(self) -> bool:
        """Whether none are."""
        return self.left < 1

    def __call__(self, data: bytes) -> None:
        """Read one input."""
        if self.count % NEW_MARK == 0:
            self._begin_mark()
        self.count += 1
        # Another file under the name, as the last one may still be mapped into memory.
        new = self._path.with_name("new input")
        new.write_bytes(data)
        new.replace(self._path)
        began = time.process_time()
        try:
            self._read(self._path)
        except self._error:
            pass
        except Exception as error:
            self._note(_place(error), data)
        spent, room = time.process_time() - began, most_memory() - self._base
        if spent > SLOW:
            self._note(f"takes {spent:.1f} s", data, "slow")
        if room > ROOM + TIMES * len(data):
            self._note(f"takes {room / 1e6:.0f} MB for {len(data)} bytes", data, "large")
            self._begin_mark()

    def _begin_mark(self) -> None:
        Path("/proc/self/clear_refs").write_text("5")
        self._base = most_memory()

    def _note(self, what: str, data: bytes, kind: str = "") -> None:
        if (kind or what) in self._seen:
            return
        self._seen.add(kind or what)
        name = self._findings / f"{len(list(self._findings.iterdir())):03d}"
        name.with_suffix(".input").write_bytes(data)
        name.with_suffix(".txt").write_text(what + "\n")

    def report(self, place: Path) -> None:
        """Write down what came of it."""
        done = {"inputs": self.count, "seconds": time.process_time() - self._began, "findings": len(self._seen)}
        (place / REPORT).write_text(json.dumps(done))


def most_memory() -> int:
    """Bytes resident at most since the mark began."""
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))


def _place(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "/clif/" in frame.filename] or frames
    return (
        f"{type(error).__name__} in {own[-1].name}, {Path(own[-1].filename).name}:{own[-1].lineno}: {str(error)[:120]}"
    )


def work(args: argparse.Namespace) -> None:
    """All readers by one engine, each in a process of its own that begins here; prints a line of JSON for each."""
    if args.engine == "atheris":
        import atheris

        # Numba compiles from Python's byte code, which must be as it was written.
        with atheris.instrument_imports(include=["clif"], exclude=["clif.pairs", "clif.counts", "clif.compiling"]):
            import fuzz_readers
    else:
        import fuzz_readers
        import fuzz_strategies

        fuzz_strategies.warm_up()
    fuzz_readers.believe_hashes()
    for reader in fuzz_readers.all_readers(args.run):
        if args.only and not any(part in reader.title for part in args.only):
            continue
        findings = args.out / "".join(c if c.isalnum() or c in ".-" else "-" for c in f"{reader.title} {args.engine}")
        shutil.rmtree(findings, ignore_errors=True)
        findings.mkdir(parents=True)
        with tempfile.TemporaryDirectory(dir=args.work) as place:
            child = os.fork()
            if not child:
                try:
                    one_reader(args, reader, Path(place), findings)
                finally:
                    os._exit(1)  # done is who wrote a report
            os.waitpid(child, 0)
            report = Path(place) / REPORT
            if report.exists():
                done = json.loads(report.read_text())
            else:  # it died of the input that lies there still
                done = {"inputs": 0, "seconds": 0.0, "findings": 1}
                last = fuzz_readers.path_of(reader, Path(place))
                if last.is_file():
                    shutil.copy(last, findings / "died.input")
        print(json.dumps({"reader": reader.title, **done}), flush=True)


def one_reader(args: argparse.Namespace, reader: Any, place: Path, findings: Path) -> None:
    """Leave a report in `place`."""
    import fuzz_readers

    from clif.errors import ClifError

    sys.stdout = sys.stderr = (findings / "said").open("w")
    path = fuzz_readers.place_of(reader, place, args.run)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(reader.starts[0])
    with suppress(ClifError):
        reader.read(path)  # what is imported and compiled once does not count
    limit = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + SPACE
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    watch = Watch(reader.read, path, findings, args.inputs, args.seconds)
    (by_atheris if args.engine == "atheris" else by_hypothesis)(reader, watch, args.seed, place)


def by_hypothesis(reader: Any, watch: Watch, seed: int, place: Path) -> None:
    """Files that are nearly right."""
    import hypothesis
    from fuzz_strategies import faulty

    def try_one(data: bytes) -> None:
        if not watch.done:
            watch(data)

    phases, quiet = [hypothesis.Phase.generate], list(hypothesis.HealthCheck)
    while not watch.done:  # hypothesis ends by itself when it has seen all that it can think of
        before = watch.count
        options = hypothesis.settings(
            max_examples=min(500, watch.left), database=None, deadline=None, phases=phases, suppress_health_check=quiet
        )
        test = hypothesis.given(faulty(reader.starts, reader.pieces))(try_one)
        hypothesis.seed(seed + watch.count)(options(test))()
        if watch.count == before:
            break
    watch.report(place)


def by_atheris(reader: Any, watch: Watch, seed: int, place: Path) -> None:
    """Bytes that reach code which no others reached."""
    import atheris

    corpus, words = place / "corpus", place / "pieces"
    corpus.mkdir()
    for number, start in enumerate(reader.starts):
        (corpus / str(number)).write_bytes(start)
    escaped = ("".join(f"\\x{byte:02x}" for byte in piece[:60]) for piece in reader.pieces)
    words.write_text("".join(f'"{piece}"\n' for piece in escaped if piece))
    longest = max(4096, 2 * max(map(len, reader.starts)))

    def try_one(data: bytes) -> None:
        watch(data)
        if watch.done:
            watch.report(place)
            os._exit(0)

    flags = [f"-seed={seed}", f"-max_len={longest}", f"-dict={words}", "-timeout=60", "-rss_limit_mb=0", "-verbosity=0"]
    atheris.Setup([sys.argv[0], *flags, f"-artifact_prefix={watch._findings}/", str(corpus)], try_one)
    atheris.Fuzz()


def fuzz(args: argparse.Namespace) -> int:
    """Every reader by both engines; prints a table, and returns how many faults were found."""
    import fuzz_seeds

    if not (args.run / "manifest.json").exists():
        print("Making a run to begin with ...", file=sys.stderr, flush=True)
        args.run.parent.mkdir(parents=True, exist_ok=True)
        fuzz_seeds.make_run(args.run)
    faults = 0
    print(f"{'engine':10} {'reader':42} {'inputs':>9} {'CPU s':>7} {'findings':>8}", flush=True)
    for engine in ENGINES:
        share = args.inputs // SHARE
        inputs = share if engine == "hypothesis" else args.inputs - share
        command = [sys.executable, *sys.argv, "--engine", engine, "--inputs", str(inputs)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout or ():
                done = json.loads(line)
                faults += done["findings"]
                print(
                    f"{engine:10} {done['reader']:42} {done['inputs']:9,} {done['seconds']:7.1f} {done['findings']:8}",
                    flush=True,
                )
        faults += process.returncode != 0
    print(f"{faults} findings" + (f", with the inputs that did it: {args.out}" if faults else ""))
    return faults


def main() -> None:
    """Read the options, and do one reader or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000, help="of each reader  [100000]")
    parser.add_argument("--seconds", type=float, default=600.0, help="CPU seconds for each reader at most  [600]")
    parser.add_argument("--seed", type=int, default=1, help="of both engines  [1]")
    parser.add_argument("--only", action="append", metavar="PART", help="readers with this in their name; repeatable")
    parser.add_argument("--out", type=Path, default=Path("fuzz-findings"), help="folder for findings  [fuzz-findings]")
    parser.add_argument("--run", type=Path, default=Path(tempfile.gettempdir()) / "clif-fuzz" / "run", help="made once")
    shared = Path("/dev/shm")
    parser.add_argument("--work", type=Path, default=shared if shared.is_dir() else None, help=argparse.SUPPRESS)
    parser.add_argument("--engine", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.engine:
        work(args)
    else:
        sys.exit(min(1, fuzz(args)))


if __name__ == "__main__":
    main()

"""The gpu rung for every preset and for 200 random tilings and shapes, on the GPU that is here.

`python3 -m benchmarks.hardware` writes evidence/proof-DEVICE.json. The exit status is 1 if a rung
failed.
"""

import sys
from collections import Counter
from random import Random

from benchmarks.evidence import device, keep
from tests.kernel_cases import any_gemm, any_tiling
from tiling.presets import Choice, choose, presets
from tiling.shapes import Refused
from tiling.verify import Rung, verify

RANDOM = 200


def cases() -> list[Choice]:
    """All presets, then random tilings on random shapes, always the same ones."""
    random = Random(0)
    return [
        *(choose(preset) for preset in presets()),
        *(
            Choice(f"random {number}", any_gemm(random.choice), any_tiling(random.choice), (0, 0))
            for number in range(RANDOM)
        ),
    ]


def climb(choice: Choice) -> Rung:
    """The gpu rung; "not run" where the device cannot hold the tiling."""
    try:
        return verify("gpu", choice)
    except Refused as no:
        return Rung("gpu", "not run", str(no))


def main() -> None:
    on, rungs = device(), []
    for choice in cases():
        rung = climb(choice)
        rungs.append({"choice": choice.name, "tiling": repr(choice.tiling), **rung.as_dict()})
        if rung.status != "passed" or not choice.name.startswith("random"):
            print(f"{choice.name}: {rung.status}: {rung.says}", flush=True)
    counts = Counter(str(rung["status"]) for rung in rungs)
    print(f"{dict(counts)}: {keep('proof', on, {'rungs': rungs})}")
    sys.exit(counts["failed"] > 0)


if __name__ == "__main__":
    main()

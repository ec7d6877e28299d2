"""GLiNER on a CPU, side by side: this library, its peers, and the bare encoder.

`python -m benchmarks.inference --help`
"""

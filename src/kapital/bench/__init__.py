"""Repeatable benchmarks. A figure is told with its conditions and, where there is one, with the limit behind it."""

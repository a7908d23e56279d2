# SPDX-License-Identifier: Apache-2.0
"""Counts numbers by their last digit in Python: a source, state, and an output in the log of the TaskManager."""

import time

from pyflink.common import Types, WatermarkStrategy
from pyflink.datastream import KeyedProcessFunction, RuntimeContext, StreamExecutionEnvironment
from pyflink.datastream.connectors.number_seq import NumberSequenceSource
from pyflink.datastream.state import ValueStateDescriptor


def slowly(number):
    """Lets some fifty numbers a second through."""
    time.sleep(0.02)
    return number


class Count(KeyedProcessFunction):
    """Counts the numbers of a key."""

    def open(self, runtime_context: RuntimeContext):
        self.seen = runtime_context.get_state(ValueStateDescriptor("seen", Types.LONG()))

    def process_element(self, value, ctx):
        seen = (self.seen.value() or 0) + 1
        self.seen.update(seen)
        yield f"{value % 10}: {seen}"


def counts(numbers):
    """What a test tests: the part between source and output. A savepoint finds the state of an operator by its uid."""
    return numbers.key_by(lambda number: number % 10, Types.LONG()).process(Count(), Types.STRING()).uid("count")


def main():
    env = StreamExecutionEnvironment.get_execution_environment()
    numbers = env.from_source(
        NumberSequenceSource(0, 2**62), WatermarkStrategy.no_watermarks(), "numbers", Types.LONG()
    ).uid("numbers")
    counts(numbers.map(slowly, Types.LONG()).uid("slowly")).print().uid("print")
    env.execute("counts")


if __name__ == "__main__":
    main()

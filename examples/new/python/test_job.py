import unittest

from pyflink.common import Types
from pyflink.datastream import StreamExecutionEnvironment

import job


class JobTest(unittest.TestCase):
    def test_numbers_are_counted_by_their_last_digit(self):
        env = StreamExecutionEnvironment.get_execution_environment()
        env.set_parallelism(1)
        with job.counts(env.from_collection(list(range(20)), Types.LONG())).execute_and_collect() as results:
            self.assertEqual("9: 2", list(results)[-1])


if __name__ == "__main__":
    unittest.main()

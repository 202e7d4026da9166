"""`python -m keras_bayes`: the same as the command `keras-bayes`."""

import sys

from keras_bayes.cli import main

sys.exit(main())

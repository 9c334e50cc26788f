"""What all tests of the plugin share."""

import os
import sys

sys.path.insert(0, os.path.dirname(__file__))  # `diskimages` is a package of the tests, installed nowhere

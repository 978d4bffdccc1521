# SPDX-License-Identifier: Apache-2.0
"""Parts of the Science Pipelines that cannot be installed alone stand here beside those that are."""
import pkgutil

__path__ = pkgutil.extend_path(__path__, __name__)

"""Everything that can be set from outside: environment and file → frozen dataclasses.

One table, `OPTIONS`, says for each option its name, where its value goes, what it may be and what it is
for. Environment variables, the settings file, `Settings.override` and the generated reference all read
that table, so they cannot differ. Nothing else in the package reads the environment.

Order of precedence: environment, then file, then the default beside the field it rules. A name that is
not in the table is an error and not ignored: a misspelt limit must not leave the service without one.
"""

from echo_image.settings.keeping import KeepingSettings
from echo_image.settings.loading import Settings
from echo_image.settings.table import OPTIONS, PREFIX, Option
from echo_image.settings.types import SearchSettings, ServerSettings

__all__ = ["OPTIONS", "PREFIX", "KeepingSettings", "Option", "SearchSettings", "ServerSettings", "Settings"]

"""A headless Firefox for tests, where firefox-esr or firefox is on the PATH, and geckodriver with it."""

import json
import shutil
from contextlib import contextmanager

import pytest
from selenium import webdriver
from selenium.webdriver.firefox.options import Options
from selenium.webdriver.firefox.service import Service

_BROWSER = shutil.which("firefox-esr") or shutil.which("firefox")
_DRIVER = shutil.which("geckodriver")
_LACKING = [name for name, there in (("firefox", _BROWSER), ("geckodriver", _DRIVER)) if not there]
needed = pytest.mark.skipif(bool(_LACKING), reason=f"no {' and no '.join(_LACKING)} on the PATH")


@contextmanager
def browser(folder):
    """folder: for the driver's log."""
    options = Options()
    options.add_argument("-headless")
    options.add_argument("--width=1280")
    options.add_argument("--height=900")
    options.binary_location = _BROWSER or ""
    driver = webdriver.Firefox(options, Service(_DRIVER, log_output=str(folder / "geckodriver.log")))
    try:
        driver.set_script_timeout(60)
        yield driver
    finally:
        driver.quit()


def inside(driver, script):
    """What an expression is worth in the page's own scope; the driver's scripts have one of their own."""
    run = "return window.eval(arguments[0])"
    return json.loads(driver.execute_script(run, f"JSON.stringify(({script}))"))

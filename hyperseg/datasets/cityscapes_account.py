"""Cityscapes downloads with the user's account: the login of cityscapesscripts, this package's resuming download."""

from collections.abc import Callable
from pathlib import Path

import requests

from hyperseg.datasets.download import Patience, ResumingDownloader
from hyperseg.datasets.fetch import MakeDownloader
from hyperseg.datasets.published import Archive
from hyperseg.errors import UserError

SITE = "https://www.cityscapes-dataset.com"


def login() -> requests.Session:
    """Log in as csDownload does: with its stored credentials, else by asking. Raises UserError."""
    try:
        from cityscapesscripts.download import downloader
    except ImportError as error:
        raise UserError(
            "the Cityscapes downloader is not installed; install the extra `hyperseg-bench[datasets]` or bring the zips"
        ) from error
    try:
        session: requests.Session = downloader.login()
    except requests.RequestException as error:
        raise UserError(f"{SITE} cannot be reached; try again later or bring the zips") from error
    except EOFError as error:
        raise UserError("the Cityscapes login needs a terminal to ask for your account; run it there") from error
    except Exception as error:  # the library knows no other kind for bad credentials
        raise UserError(f"the Cityscapes login failed: {error}; check your account at {SITE}") from error
    return session


def with_addresses(archives: tuple[Archive, ...], session: requests.Session, site: str = SITE) -> list[Archive]:
    """The archives with the addresses that `site` gives this account. Raises UserError."""
    try:
        answer = session.get(f"{site}/downloads/?list", timeout=30)
        answer.raise_for_status()
        packages = {package["name"]: package["packageID"] for package in answer.json()}
    except (requests.RequestException, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{site} does not list its packages; try again later or bring the zips") from error
    absent = [archive.file for archive in archives if archive.file not in packages]
    if absent:
        raise UserError(f"your Cityscapes account has no access to {', '.join(absent)}; ask for it at {site}")
    return [
        archive.model_copy(update={"urls": (f"{site}/file-handling/?packageID={packages[archive.file]}",)})
        for archive in archives
    ]


def account_downloader(session: requests.Session, patience: Patience | None = None) -> MakeDownloader:
    """Downloads with the cookies of a login."""

    def make(
        part: Path, archive: Archive, most: int, progress: Callable[[int, int | None], None]
    ) -> ResumingDownloader:
        return ResumingDownloader(part, archive.bytes, progress, patience, session, most)

    return make

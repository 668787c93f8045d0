"""From whatever went wrong to one problem+json answer, wherever in the stack it was raised."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from django.core.exceptions import (
    BadRequest,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.core.exceptions import ValidationError as ModelValidationError
from django.db import DataError, Error, IntegrityError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.http.multipartparser import MultiPartParserError
from django.urls import is_valid_path
from django.views.defaults import page_not_found
from rest_framework import exceptions

from productops.api.constraints import refusal_of
from productops.api.problems import (
    MEDIA_TYPE,
    BadParameter,
    BadParameters,
    FieldError,
    Problem,
    field_errors,
    problem_response,
)
from productops.workspaces.complaints import ARCHIVED, Archived, Complaint, InUse, Refused
from productops.workspaces.keys import KeyRevokesItself
from productops.workspaces.versions import NotHere, StaleEdit

API_PATHS = ("/api/", "/in/")
# Where people look at pages, and browsers fetch what belongs to them.
PAGE_PATHS = ("/admin/", "/static/")
NOT_HERE = "There is no such object here."
NOWHERE = "There is nothing at this address; /api/docs/ shows all that there are beneath /api/v1/."
STALE = "It has been changed since; read it again and repeat the edit on what it is now."
AWAY = "The database is away or busy. Nothing was done; try again."
RETRY_AFTER_S = 2

# 08 connection, 53 out of resources, 57P01-03 shutting down or starting, 25006 read only (a standby);
# 40001, 40P01, 55P03, 57014 and 25P03: it is there, but could not do it in time beside others.
_AWAY_CLASSES = ("08", "53")
_AWAY_STATES = frozenset({"57P01", "57P02", "57P03", "25006", "40001", "40P01", "55P03", "57014", "25P03"})

_CODES = {400: "bad_request", 403: "forbidden", 404: "not_found", 405: "method_not_allowed", 500: "internal"}
_WORDS = {
    400: "The request could not be understood.",
    403: "You may not do this.",
    404: NOT_HERE,
    405: "This method is not allowed here.",
    413: "The body is too large.",
    500: "Something went wrong here. The request id finds it in the log.",
}
_KEPT_HEADERS = ("Allow", "Retry-After", "WWW-Authenticate")


def database_is_away(error: BaseException) -> bool:
    """Whether the same request would succeed once the database is back, or less busy."""
    if not isinstance(error, (OperationalError, InterfaceError)) and not _is_database_error(error):
        return False
    sqlstate = getattr(error.__cause__, "sqlstate", None)
    if sqlstate is None:
        # No answer at all: refused connections, lost ones, and a pool that had none to give in time.
        return isinstance(error, (OperationalError, InterfaceError))
    return sqlstate.startswith(_AWAY_CLASSES) or sqlstate in _AWAY_STATES


def _is_database_error(error: BaseException) -> bool:
    return isinstance(error, Error)


def unavailable(request: HttpRequest | None) -> HttpResponse:
    """503 with Retry-After."""
    headers = {"Retry-After": str(RETRY_AFTER_S)}
    return problem_response(request, 503, "unavailable", AWAY, headers=headers)


def handle_exception(exc: Exception, context: dict[str, Any]) -> HttpResponseBase | None:
    """REST framework's exception handler. None lets Django log the exception and answer 500."""
    request: HttpRequest | None = getattr(context.get("request"), "_request", None)
    return response_to(exc, request)


def response_to(exc: BaseException, request: HttpRequest | None) -> HttpResponse | None:
    """The answer to an exception that is the client's doing or a dependency's; None for a bug of ours."""
    if database_is_away(exc):
        return unavailable(request)
    if isinstance(exc, (IntegrityError, DataError)):
        refusal = refusal_of(exc)
        error = FieldError(pointer=refusal.pointer, code=refusal.code, detail=refusal.detail)
        return problem_response(request, refusal.status, refusal.code, refusal.detail, [error])
    if isinstance(exc, exceptions.APIException):
        return _answer_api_exception(exc, request)
    return _answer_other(exc, request)


def _answer_api_exception(exc: exceptions.APIException, request: HttpRequest | None) -> HttpResponse:
    headers = dict(getattr(exc, "headers", {}))
    if challenge := getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(exc, "wait", None):
        headers["Retry-After"] = str(int(wait))
    if isinstance(exc, Problem):
        code = exc.get_codes()
        return problem_response(
            request, exc.status_code, str(code), str(exc.detail), exc.errors, headers, exc.members
        )
    if isinstance(exc, exceptions.ValidationError):
        source = "query" if isinstance(exc, (BadParameter, BadParameters)) else None
        errors = field_errors(exc.detail, source)
        return problem_response(request, 400, "invalid", _summary(errors), errors, headers)
    code = exc.get_codes() if isinstance(exc.get_codes(), str) else exc.default_code
    return problem_response(request, exc.status_code, str(code), str(exc.detail), headers=headers)


def _answer_other(exc: BaseException, request: HttpRequest | None) -> HttpResponse | None:
    if isinstance(exc, Refused):
        errors = [_of_complaint(complaint) for complaint in exc.complaints]
        status, code = _kind_of(exc)
        return problem_response(request, status, code, _summary(errors), errors)
    if isinstance(exc, (NotHere, Http404)):
        return problem_response(request, 404, "not_found", NOT_HERE)
    if isinstance(exc, StaleEdit):
        return problem_response(request, 412, "stale_edit", STALE)
    if isinstance(exc, KeyRevokesItself):
        return problem_response(request, 403, "key_revokes_itself", "A key cannot revoke itself.")
    if isinstance(exc, PermissionDenied):
        return problem_response(request, 403, "forbidden", _WORDS[403])
    if isinstance(exc, RequestDataTooBig):
        return problem_response(request, 413, "too_large", _WORDS[413])
    if isinstance(exc, ModelValidationError):
        errors = field_errors(exceptions.ValidationError(getattr(exc, "message_dict", exc.messages)).detail)
        return problem_response(request, 400, "invalid", _summary(errors), errors)
    if isinstance(exc, (SuspiciousOperation, BadRequest, MultiPartParserError)):
        return problem_response(request, 400, "bad_request", _WORDS[400])
    return None


def _kind_of(refusal: Refused) -> tuple[int, str]:
    if isinstance(refusal, Archived):
        return 409, ARCHIVED
    return (409, "in_use") if isinstance(refusal, InUse) else (400, "invalid")


def _of_complaint(complaint: Complaint) -> FieldError:
    pointer = f"/{complaint.field}" if complaint.field else ""
    return FieldError(pointer=pointer, code=complaint.code, detail=complaint.detail)


def _summary(errors: list[FieldError]) -> str:
    """One line for people; the errors say the rest."""
    if not errors:
        return _WORDS[400]
    first = errors[0]
    where = first["pointer"].lstrip("/")
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{where}: {first['detail']}{more}" if where else f"{first['detail']}{more}"


class DependencyMiddleware:
    """Turn a database that is away into 503, and every error under the API's paths into problem+json.

    Views of the REST framework answer for themselves; this is for the router's 404, for plain views, for
    middleware beneath this one and for exceptions that nobody expected.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        is_error = response.status_code >= 400 and request.path.startswith(API_PATHS)
        if is_error and not response.get("Content-Type", "").startswith(MEDIA_TYPE):
            return _as_problem(request, response)
        return response

    def process_exception(self, request: HttpRequest, exc: Exception) -> HttpResponse | None:
        if request.path.startswith(API_PATHS):
            return response_to(exc, request)
        return unavailable_page() if database_is_away(exc) else None


def unavailable_page() -> HttpResponse:
    """503 for people, who look at pages and not at JSON."""
    headers = {"Retry-After": str(RETRY_AFTER_S)}
    return HttpResponse(AWAY, status=503, content_type="text/plain; charset=utf-8", headers=headers)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404: a page for people, and a problem for whoever mistook the API's address."""
    if request.path.startswith(PAGE_PATHS):
        return page_not_found(request, exception)
    return problem_response(request, 404, "not_found", _nowhere(request.path))


def _nowhere(path: str) -> str:
    """What to say of an address that nothing is at; the slash at its end is what is most often missing."""
    if not path.endswith("/") and is_valid_path(f"{path}/"):
        return "There is nothing at this address, but there is with a slash at its end."
    return NOWHERE


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500: what was raised outside a view, in a middleware say, still may be a 503."""
    error = sys.exc_info()[1]
    is_api = request.path.startswith(API_PATHS)
    if error is not None and database_is_away(error):
        return unavailable(request) if is_api else unavailable_page()
    if is_api:
        return problem_response(request, 500, "internal", _WORDS[500])
    return HttpResponse(_WORDS[500], status=500, content_type="text/plain; charset=utf-8")


def _as_problem(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    status = response.status_code
    headers = {name: response[name] for name in _KEPT_HEADERS if name in response}
    words = _WORDS.get(status, "The request was refused.")
    return problem_response(request, status, _CODES.get(status, "error"), words, headers=headers)

"""How much is enough? Every bound that protects the service from its clients, in one place; error texts name them."""

from __future__ import annotations

LINE_BYTES = 16 * 1024  # the request line, with its query string, or a header
BODY_BYTES = 64 * 1024
BODY_SECONDS = 10.0  # a body that has not arrived by then never will
IDLE_SECONDS = 75.0  # a connection on which nothing has been asked for so long is closed

APP_NAME_LENGTH = 100
KEYS = 10  # of one application, valid at once
KEY_OVERLAP_SECONDS = 30 * 24 * 3600
KEY_OVERLAP_DEFAULT = 24 * 3600
SIGNING_SECRETS = 4  # of one application, valid at once; each is a signature of every callback
SIGNING_OVERLAP_SECONDS = 7 * 24 * 3600
SIGNING_OVERLAP_DEFAULT = 24 * 3600
EMAIL_LENGTH = 254  # RFC 5321's path, less its angle brackets
INTERVAL_LENGTH = 1024  # as cron-parser has it
TIMEZONE_LENGTH = 64
URL_LENGTH = 2048
DATE_LENGTH = 64
IDEMPOTENCY_KEY_LENGTH = 255
IDEMPOTENCY_KEY_HOURS = 24

TAGS = 32
TAG_LENGTH = 128

ATTEMPTS = 100
RETRY_INTERVAL_SECONDS = 24 * 3600
BACKOFF_COEFFICIENT = 10
TIMEOUT_SECONDS = 120
MISFIRE_GRACE_SECONDS = 365 * 24 * 3600
SPREAD_SECONDS = 3600

HEADERS = 20  # of an event, beside those that every callback has
HEADER_NAME_LENGTH = 64
HEADER_VALUE_LENGTH = 1024
HEADER_VALUES_LENGTH = 4096  # all values together

CONTEXT_DEPTH = 32
CONTEXT_SCALARS = 1_000  # each is indexed, so that listings can filter by it
NUMBER_DIGITS = 100
NUMBER_EXPONENT = 400  # beyond what a double can hold

FIRST_YEAR = 1970
LAST_YEAR = 9999

PAGE_DEFAULT = 100
PAGE_MOST = 1_000
OFFSET_MOST = 1_000_000_000

FILTER_ITEMS = 32  # owners, tags, context filters; each a look-up
FILTER_TEXT_LENGTH = 1_024
QUERY_PAIRS = 500
QUERY_DEPTH = 6
QUERY_INDEX = 999

ONCALL_PAGE_DEFAULT = 10
ONCALL_PAGE_MOST = 100
ONCALL_NAME_LENGTH = 255
ONCALL_ID_LENGTH = 64
LAYER_MOST = 2_147_483_647  # as the database counts; no policy need have it
LAYERS_ASKED = 100  # by one subscription
LEAD_DAYS = 30
FREQUENCY_MOST = 100_000
ATTENDEES = 100  # of one event
SCHEDULES_OF_EVENT = 100
EXCEPTIONS_SENT = 1_000  # in one body; of one event there may be more
WINDOW_DAYS = 400
WINDOW_SHIFTS = 20_000  # that one answer is made of
WINDOW_SHIFTS_AT_ONCE = 1_000  # up to about so many are computed while all else waits
WINDOW_SECONDS = 5.0  # that a longer one may wait for its turn
LAST_YEAR_ON_CALL = 2999  # a rule may go on for long after its first start

REPLAYS = 1_000  # at once; each is a change of its shard, and a ring

BATCH_EVENTS = 1_000  # created by one request, all or none
BATCH_BODY_BYTES = 4 * 1024 * 1024  # of all of them; each may be as long as one that comes alone
BATCH_PROBLEMS = 10_000  # told; each event's are bounded too
BATCH_SECONDS = 20.0  # after which nothing of it is written any more
BATCHES = 4  # at work at once in a process, so that memory has a bound
BATCHES_OF_ONE = 2  # of one application: one computes while the other is written, and the rest is for others
SLICE_SECONDS = 0.002  # that what computes for long goes on before others have their turns

BULK_EVENTS = 10_000  # changed by one request
BULK_SECONDS = 20.0  # after which it begins with no further event
BULK_FAILURES = 100  # told by name

PREVIEW_DEFAULT = 10
PREVIEW_MOST = 100
PREVIEW_SECONDS = 5.0  # that one may wait for its turn

FEED_TOKENS = 10  # of one calendar feed
CALENDAR_SECONDS = 20.0  # that one may wait for its turn; calendar programs are patient, and come all at the full hour

AUDIT_INSTANTS = 100_000  # of one audit: each is computed anew
AUDIT_ENTRIES = 2 * AUDIT_INSTANTS  # of the ledger, read for it
AUDIT_CHANGES = 1_000  # of the rule
AUDIT_SHOWN = 100  # gaps, and unexpected entries; all are counted

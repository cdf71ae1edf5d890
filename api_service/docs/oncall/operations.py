"""Every operation of /api/v4 in words; that each is routed, and each route is here, is tested."""

from __future__ import annotations

from api_service.docs.oncall.events import EVENTS
from api_service.docs.oncall.feeds import FEEDS
from api_service.docs.oncall.objects import OBJECTS
from api_service.docs.oncall.subscriptions import SUBSCRIPTIONS

ONCALL_OPERATIONS = (*OBJECTS, *EVENTS, *FEEDS, *SUBSCRIPTIONS)

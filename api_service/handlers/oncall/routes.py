"""Which handler answers at which path of /api/v4. A path of words stands before one with an id in the same place."""

from __future__ import annotations

from api_service.handlers.oncall import account_users, schedules
from api_service.handlers.requests import Routes, for_application

OF_ONCALL: Routes = (
    ("POST", "/api/v4/account_users", for_application(account_users.create_account_user)),
    ("GET", "/api/v4/account_users", for_application(account_users.list_account_users)),
    ("GET", "/api/v4/account_users/{id}", for_application(account_users.get_account_user)),
    ("PUT", "/api/v4/account_users/{id}", for_application(account_users.change_account_user)),
    ("PATCH", "/api/v4/account_users/{id}", for_application(account_users.change_account_user)),
    ("DELETE", "/api/v4/account_users/{id}", for_application(account_users.delete_account_user)),
    ("POST", "/api/v4/schedules", for_application(schedules.create_schedule)),
    ("GET", "/api/v4/schedules", for_application(schedules.list_schedules)),
    ("GET", "/api/v4/schedules/{id}", for_application(schedules.get_schedule)),
    ("PUT", "/api/v4/schedules/{id}", for_application(schedules.change_schedule)),
    ("PATCH", "/api/v4/schedules/{id}", for_application(schedules.change_schedule)),
    ("DELETE", "/api/v4/schedules/{id}", for_application(schedules.delete_schedule)),
)

# noqa: A005 - mirrors kapital.platform

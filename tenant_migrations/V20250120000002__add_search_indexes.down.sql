-- Searches get slow again; nothing is lost.

DROP INDEX customers_phone_search;
DROP INDEX customers_display_name_search;
DROP INDEX stores_name_search;
DROP INDEX merchants_legal_name_search;
DROP INDEX merchants_trading_name_search;

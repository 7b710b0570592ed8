CREATE TABLE rooms (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text NOT NULL UNIQUE,
    sleeps     smallint NOT NULL CHECK (sleeps > 0),
    rate       numeric(10, 2) NOT NULL CHECK (rate >= 0),
    retired_at timestamptz
);

CREATE TABLE bookings (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    room_id    bigint NOT NULL REFERENCES rooms (id),
    guest      text NOT NULL,
    stay       daterange NOT NULL CHECK (NOT isempty(stay)),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX bookings_room_idx ON bookings (room_id);
CREATE INDEX bookings_stay_idx ON bookings USING gist (stay);

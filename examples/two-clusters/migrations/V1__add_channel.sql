ALTER TABLE bookings ADD COLUMN channel text NOT NULL DEFAULT 'direct'
    CHECK (channel IN ('direct', 'agency', 'portal'));

//! Connections against a throwaway server.

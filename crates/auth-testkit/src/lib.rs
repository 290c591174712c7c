//! Contract suites for every port, fakes, builders and mocks.

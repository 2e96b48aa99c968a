// Package proctest helps to test with real processes, and to check that tests leave nothing behind.
//
// A package that uses it needs a TestMain:
//
//	func TestMain(m *testing.M) { goleak.VerifyTestMain(proctest.Checked(m)) }
package proctest

// Package proctest is the test kit of this module: real processes to wait for,
// and a look at what a test left behind.
//
// A package that uses it has a TestMain of one line:
//
//	func TestMain(m *testing.M) { goleak.VerifyTestMain(proctest.Checked(m)) }
package proctest

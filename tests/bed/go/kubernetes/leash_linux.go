package main

import (
	"os"
	"strconv"
	"syscall"
)

// A control plane must not outlive the test that started it, however that test
// ended. The kernel sends SIGKILL when the thread that spawned us ends. init
// runs on the main thread, which a Go process keeps to its end.
func init() {
	syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_PDEATHSIG, uintptr(syscall.SIGKILL), 0)
	// The parent may have died before the call above; then nobody would tell us.
	if parent, err := strconv.Atoi(os.Getenv("TIDEGATE_BED_PARENT")); err == nil && parent != os.Getppid() {
		os.Exit(1)
	}
}

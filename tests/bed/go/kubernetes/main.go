// Package main is a whole Kubernetes control plane in one binary: API server,
// controller manager and scheduler, chosen by the name it is called by, or by
// its first argument. One binary, since nine tenths of the three are the same
// code and linking is what costs.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	_ "time/tzdata"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
)

var components = map[string]func() *cobra.Command{
	"kube-apiserver":          apiserver.NewAPIServerCommand,
	"kube-controller-manager": controllermanager.NewControllerManagerCommand,
	"kube-scheduler":          func() *cobra.Command { return scheduler.NewSchedulerCommand() },
}

func main() {
	component, named := components[filepath.Base(os.Args[0])]
	if !named && len(os.Args) > 1 {
		component, named = components[os.Args[1]]
		os.Args = os.Args[1:]
	}
	if !named {
		fmt.Fprintln(os.Stderr, "call me as kube-apiserver, kube-controller-manager or kube-scheduler, or give that name first")
		os.Exit(2)
	}
	os.Exit(cli.Run(component()))
}

// Package diagnose finds code that compiles with execx but behaves differently than with os/exec.
//
// Its [Analyzer] checks code that uses os/exec as well as code that uses execx, so it can run
// before a swap or after it. It runs in execxfix -diagnose, in go vet -vettool=$(which execxfix),
// and in editors.
package diagnose

import (
	"go/ast"
	"go/constant"
	"go/types"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ast/astutil"
	"golang.org/x/tools/go/ast/inspector"
	"golang.org/x/tools/go/types/typeutil"
)

// Analyzer reports code that behaves differently with execx than with os/exec.
var Analyzer = &analysis.Analyzer{
	Name: "execx",
	Doc:  "report code that behaves differently with execx than with os/exec",
	URL:  "https://go.execx.dev",
	Run:  run,
}

// The messages of the diagnostics.
const (
	reaper       = "reaps children of other packages, including those of execx, and passes on their statuses by PID: this package should stay with os/exec; to reap only orphans, use execx.ReapAdopted"
	waitsByPID   = "reaps a child by its PID: if execx started the child, only one of the two may wait for it; execx reaps it in its waiting methods, and after Close in the background"
	sigchld      = "a handler of SIGCHLD may find that Wait has already reaped the child: wait for commands only with execx, and for orphans with execx.ReapAdopted"
	ignored      = "while SIGCHLD is ignored, exit statuses are lost except on Linux 6.15 and later, and Wait fails as under os/exec: do not ignore it"
	tracer       = "traces processes, and execx leaves traced processes to their tracer: this package should stay with os/exec"
	replaced     = "execx waits for the Process that is set when a waiting method is called: replace it before anything waits for the command"
	pidOnly      = "after the Cmd and its Process become unreachable, execx reaps the process about a second after it has exited, and its PID may be reused: keep the Cmd"
	syscallError = "if other code has reaped the process and the kernel still reports its status, execx does not return this error: use errors.As, and be prepared for a nil error"
	osFile       = "the pipe of an execx.Cmd is not an *os.File: assert an interface with the methods you need, such as SetReadDeadline"
	copied       = "an execx.Cmd must not be copied: create another one with the same fields, or copy its embedded exec.Cmd before Start"
	waitLoop     = "every Wait of an execx.Cmd returns the same result, so a loop that runs until Wait fails may not end: call Wait once"
)

type checker struct {
	pass *analysis.Pass
	info *types.Info
}

func run(pass *analysis.Pass) (any, error) {
	c := &checker{pass, pass.TypesInfo}
	inspect := inspector.New(pass.Files)
	inspect.WithStack(nil, func(n ast.Node, push bool, stack []ast.Node) bool {
		if !push {
			return false
		}
		switch n := n.(type) {
		case *ast.CallExpr:
			c.call(n, stack)
		case *ast.AssignStmt:
			for _, lhs := range n.Lhs {
				c.assigned(lhs)
			}
			for _, rhs := range n.Rhs {
				c.copied(rhs)
			}
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Ptrace" && c.isPtrace(key) && !c.isFalse(n.Value) {
				c.pass.Reportf(n.Pos(), tracer)
			}
		case *ast.ReturnStmt:
			for _, e := range n.Results {
				c.copied(e)
			}
		case *ast.RangeStmt:
			if n.Value != nil && isCmd(c.info.TypeOf(n.Value)) {
				c.pass.Reportf(n.Value.Pos(), copied)
			}
		case *ast.FuncDecl:
			c.function(n.Type, n.Body)
		case *ast.FuncLit:
			c.function(n.Type, n.Body)
		}
		return true
	})
	return nil, nil
}

// isCmd reports whether t is the Cmd of os/exec or of execx.
func isCmd(t types.Type) bool {
	if t == nil {
		return false
	}
	n, ok := types.Unalias(t).(*types.Named)
	if !ok || n.Obj().Name() != "Cmd" || n.Obj().Pkg() == nil {
		return false
	}
	path := n.Obj().Pkg().Path()
	return path == "os/exec" || path == "go.execx.dev/execx"
}

func isCmdOrPointer(t types.Type) bool {
	if t == nil {
		return false
	}
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		t = p.Elem()
	}
	return isCmd(t)
}

// method returns the receiver and the name of the method if call calls a method of a Cmd.
func (c *checker) method(call *ast.CallExpr) (cmd ast.Expr, name string) {
	sel, ok := astutil.Unparen(call.Fun).(*ast.SelectorExpr)
	if !ok {
		return nil, ""
	}
	f, ok := typeutil.Callee(c.info, call).(*types.Func)
	if !ok || f.Signature().Recv() == nil || !isCmdOrPointer(f.Signature().Recv().Type()) {
		return nil, ""
	}
	return sel.X, f.Name()
}

func (c *checker) call(n *ast.CallExpr, stack []ast.Node) {
	for _, arg := range n.Args {
		c.copied(arg)
	}
	if _, name := c.method(n); name == "Wait" {
		c.waitInLoop(n, stack)
		return
	}
	f, ok := typeutil.Callee(c.info, n).(*types.Func)
	if !ok || f.Pkg() == nil {
		return
	}
	switch path := f.Pkg().Path(); path {
	case "syscall", "golang.org/x/sys/unix":
		c.systemCall(n, f.Name())
	case "os/signal":
		for _, arg := range n.Args {
			if !c.isSIGCHLD(arg) {
				continue
			}
			if f.Name() == "Ignore" {
				c.pass.Reportf(n.Pos(), ignored)
			} else if f.Name() != "Reset" {
				c.pass.Reportf(n.Pos(), sigchld)
			}
		}
	}
}

func (c *checker) systemCall(n *ast.CallExpr, name string) {
	switch {
	case strings.HasPrefix(name, "Ptrace"):
		c.pass.Reportf(n.Pos(), tracer)
	case name == "Wait4" || name == "Waitid":
		if c.waitsForAny(n, name) {
			c.pass.Reportf(n.Pos(), "%s "+reaper, name)
		} else {
			c.pass.Reportf(n.Pos(), "%s "+waitsByPID, name)
		}
	case strings.HasSuffix(name, "yscall") || strings.HasSuffix(name, "yscall6"):
		if len(n.Args) == 0 {
			return
		}
		sel, ok := astutil.Unparen(n.Args[0]).(*ast.SelectorExpr)
		if !ok {
			return
		}
		switch sel.Sel.Name {
		case "SYS_PTRACE":
			c.pass.Reportf(n.Pos(), tracer)
		case "SYS_WAIT4":
			if len(n.Args) > 1 && c.isMinusOne(n.Args[1]) {
				c.pass.Reportf(n.Pos(), "wait4 "+reaper)
			} else {
				c.pass.Reportf(n.Pos(), "wait4 "+waitsByPID)
			}
		case "SYS_WAITID":
			c.pass.Reportf(n.Pos(), "waitid "+waitsByPID)
		}
	}
}

// waitsForAny reports whether a call waits for any child.
func (c *checker) waitsForAny(n *ast.CallExpr, name string) bool {
	if len(n.Args) == 0 {
		return false
	}
	if name == "Wait4" {
		return c.isMinusOne(n.Args[0])
	}
	sel, ok := astutil.Unparen(n.Args[0]).(*ast.SelectorExpr)
	return ok && sel.Sel.Name == "P_ALL"
}

func (c *checker) isMinusOne(e ast.Expr) bool {
	v := c.info.Types[e].Value
	if v == nil {
		if call, ok := astutil.Unparen(e).(*ast.CallExpr); ok && len(call.Args) == 1 {
			return c.isMinusOne(call.Args[0])
		}
		return false
	}
	i, ok := constant.Int64Val(constant.ToInt(v))
	return ok && i == -1
}

func (c *checker) isFalse(e ast.Expr) bool {
	v := c.info.Types[e].Value
	return v != nil && v.Kind() == constant.Bool && !constant.BoolVal(v)
}

func (c *checker) isSIGCHLD(e ast.Expr) bool {
	sel, ok := astutil.Unparen(e).(*ast.SelectorExpr)
	return ok && (sel.Sel.Name == "SIGCHLD" || sel.Sel.Name == "SIGCLD")
}

// isPtrace reports whether id is the Ptrace field of syscall.SysProcAttr.
func (c *checker) isPtrace(id *ast.Ident) bool {
	v, ok := c.info.Uses[id].(*types.Var)
	return ok && v.IsField() && v.Name() == "Ptrace" && v.Pkg() != nil && v.Pkg().Path() == "syscall"
}

// assigned checks the left side of an assignment.
func (c *checker) assigned(lhs ast.Expr) {
	sel, ok := astutil.Unparen(lhs).(*ast.SelectorExpr)
	if !ok {
		return
	}
	if c.isPtrace(sel.Sel) {
		c.pass.Reportf(lhs.Pos(), tracer)
	}
	v, ok := c.info.Uses[sel.Sel].(*types.Var)
	if ok && v.IsField() && v.Name() == "Process" && v.Pkg() != nil && v.Pkg().Path() == "os/exec" {
		c.pass.Reportf(lhs.Pos(), replaced)
	}
}

// copied reports e if it copies a Cmd. A composite literal or the result of a call is not a copy.
func (c *checker) copied(e ast.Expr) {
	e = astutil.Unparen(e)
	tv := c.info.Types[e]
	if !tv.IsValue() || !isCmd(tv.Type) {
		return
	}
	switch e.(type) {
	case *ast.CompositeLit, *ast.CallExpr:
		return
	}
	c.pass.Reportf(e.Pos(), copied)
}

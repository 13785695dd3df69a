// Says what GitOps tools think of objects: kstatus by its own library, which is what Flux and kpt wait by, and health by a
// script in the Lua that Argo CD runs, with the few libraries that Argo CD gives to scripts of its ConfigMap.
// Reads {"objects": [...], "scripts": {"<kind>": "<Lua>"}} and prints a list of verdicts, one for each object.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

type asked struct {
	Objects []json.RawMessage
	Scripts map[string]string
}

type verdict struct {
	Status  string            `json:"status"`
	Message string            `json:"message"`
	Health  map[string]string `json:"health,omitempty"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	var all asked
	if err := json.NewDecoder(os.Stdin).Decode(&all); err != nil {
		return err
	}
	verdicts := []verdict{}
	for _, raw := range all.Objects {
		one, err := judge(raw, all.Scripts)
		if err != nil {
			return err
		}
		verdicts = append(verdicts, one)
	}
	return json.NewEncoder(os.Stdout).Encode(verdicts)
}

func judge(raw []byte, scripts map[string]string) (verdict, error) {
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(raw); err != nil {
		return verdict{}, err
	}
	result, err := status.Compute(object)
	if err != nil {
		return verdict{}, fmt.Errorf("%s %s: %w", object.GetKind(), object.GetName(), err)
	}
	found := verdict{Status: result.Status.String(), Message: result.Message}
	if script, has := scripts[object.GetKind()]; has {
		if found.Health, err = health(object, script); err != nil {
			return verdict{}, fmt.Errorf("%s %s: %w", object.GetKind(), object.GetName(), err)
		}
	}
	return found, nil
}

func health(object *unstructured.Unstructured, script string) (map[string]string, error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for name, open := range map[string]lua.LGFunction{lua.LoadLibName: lua.OpenPackage, lua.BaseLibName: lua.OpenBase, lua.TabLibName: lua.OpenTable} {
		state.Push(state.NewFunction(open))
		state.Push(lua.LString(name))
		state.Call(1, 0)
	}
	limit, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	state.SetContext(limit)
	state.SetGlobal("obj", toLua(state, object.Object))
	if err := state.DoString(script); err != nil {
		return nil, err
	}
	table, isTable := state.Get(-1).(*lua.LTable)
	if !isTable {
		return nil, fmt.Errorf("the script gives %s, not a table", state.Get(-1).Type())
	}
	found := map[string]string{}
	table.ForEach(func(key, value lua.LValue) { found[key.String()] = value.String() })
	return found, nil
}

func toLua(state *lua.LState, value any) lua.LValue {
	switch given := value.(type) {
	case bool:
		return lua.LBool(given)
	case float64:
		return lua.LNumber(given)
	case int64:
		return lua.LNumber(given)
	case string:
		return lua.LString(given)
	case []any:
		list := state.NewTable()
		for _, item := range given {
			list.Append(toLua(state, item))
		}
		return list
	case map[string]any:
		table := state.NewTable()
		for key, item := range given {
			table.RawSetString(key, toLua(state, item))
		}
		return table
	default:
		return lua.LNil
	}
}

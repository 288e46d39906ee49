package test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/thingpass/thingpass/test/rig"
)

const (
	rulesFile = "../docs/monitoring/rules.yml"
	rulesTest = "../docs/monitoring/rules_test.yml"
)

// TestAlertRules has Prometheus's own tool check the rules, and run them over
// series of a healthy server and of one in trouble.
func TestAlertRules(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	need(t, err, "promtool")
	for _, args := range [][]string{{"check", "rules", rulesFile}, {"test", "rules", rulesTest}} {
		if out, err := exec.CommandContext(t.Context(), promtool, args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	for alert := range rules(t) {
		tests, err := os.ReadFile(rulesTest)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(tests), "alertname: "+alert); n != 2 {
			t.Errorf("%s stands %d times in %s: raised once, and once not", alert, n, rulesTest)
		}
	}
}

// rules are the expressions of the alerts by name.
func rules(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, rule := range strings.Split(string(text), "- alert: ")[1:] {
		name, rest, _ := strings.Cut(rule, "\n")
		expr, _, _ := strings.Cut(rest, "labels:")
		found[name] = expr
	}
	if len(found) == 0 {
		t.Fatal("there are no rules")
	}
	return found
}

var (
	metricName  = regexp.MustCompile(`\b(?:thingpass|process|go)_[a-z_]+\b`)
	metricLabel = regexp.MustCompile(`(\w+)(?:=~|!~|!=|=)"`)
	typeLine    = regexp.MustCompile(`(?m)^# TYPE (\S+) \S+$`)
)

// TestMetricsOfRules: every metric that a rule asks for, with the labels that it
// asks for, is shown by a running server before anything went wrong, and those
// of ours that are shown and those that the manual lists are the same.
func TestMetricsOfRules(t *testing.T) {
	s := serve(t, install(t))
	admin := s.Client(s.Admin)
	devices, err := rig.Prepare(t.Context(), admin, rig.SetUp{
		Role: "R", Alias: "A", IoTPolicy: "P", Devices: 1, Permissions: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*"}]}`,
	})
	if err == nil {
		_, _, err = s.Device(devices[0].Certificate).Credentials(t.Context(), "A", "")
	}
	if err != nil {
		t.Fatal(err)
	}
	shown := metrics(t, s)
	for alert, expr := range rules(t) {
		for _, name := range metricName.FindAllString(expr, -1) {
			line := regexp.MustCompile(`(?m)^` + name + `[ {].*$`).FindString(shown)
			if line == "" {
				t.Errorf("%s asks for %s, and the server does not show it", alert, name)
			}
			for _, label := range metricLabel.FindAllStringSubmatch(expr, -1) {
				if label[1] != "job" && !strings.Contains(line, label[1]+`="`) {
					t.Errorf("%s asks for the label %s of %s: %s", alert, label[1], name, line)
				}
			}
		}
	}
	manual, err := os.ReadFile("../docs/monitoring.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range typeLine.FindAllStringSubmatch(shown, -1) {
		if strings.HasPrefix(family[1], "thingpass_") && !strings.Contains(string(manual), "| `"+family[1]+"` |") {
			t.Errorf("docs/monitoring.md has no row for %s", family[1])
		}
	}
	for alert := range rules(t) {
		if !strings.Contains(string(manual), "`"+alert+"`") {
			t.Errorf("docs/monitoring.md does not tell what to do about %s", alert)
		}
	}
}

func metrics(t *testing.T, s *rig.Server) string {
	t.Helper()
	resp, err := http.Get("http://" + s.Ops + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// value is that of the series whose line begins so, or -1.
func value(text, series string) float64 {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, series) {
			fields := strings.Fields(line)
			if v, err := strconv.ParseFloat(fields[len(fields)-1], 64); err == nil {
				return v
			}
		}
	}
	return -1
}

// TestExchangeReasons: exchanges are counted by how they ended, and the other
// metrics tell what is so.
func TestExchangeReasons(t *testing.T) {
	s := serve(t, install(t))
	admin := s.Client(s.Admin)
	devices, err := rig.Prepare(t.Context(), admin, rig.SetUp{
		Role: "R", Alias: "A", IoTPolicy: "P", Devices: 3, Permissions: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*"}]}`,
	})
	if err != nil {
		t.Fatal(err)
	}
	for n, status := range map[int]string{1: "INACTIVE", 2: "REVOKED"} {
		if err := admin.Call(t.Context(), http.MethodPut, "/certificates/"+devices[n].ID+"?newStatus="+status, nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	stranger, err := rig.Unregistered()
	if err != nil {
		t.Fatal(err)
	}
	for _, try := range []struct {
		device       rig.Device
		alias, thing string
	}{
		{devices[0], "A", ""}, {devices[0], "A", "none"}, {devices[0], "B", ""}, {devices[1], "A", ""}, {devices[2], "A", ""}, {stranger, "A", ""}, {rig.Device{}, "A", ""},
	} {
		_, _, err := s.Device(try.device.Certificate).Credentials(t.Context(), try.alias, try.thing)
		if (err == nil) != (try.alias == "A" && try.thing == "" && try.device.ID == devices[0].ID) {
			t.Errorf("%s %s %s: %v", try.device.ID, try.alias, try.thing, err)
		}
	}
	text := metrics(t, s)
	for _, reason := range []string{"issued", "thing", "iot-policy", "certificate-inactive", "certificate-revoked", "certificate-unknown", "certificate-missing"} {
		status := 403
		if reason == "issued" {
			status = 200
		}
		if n := value(text, fmt.Sprintf(`thingpass_exchanges_total{reason="%s",status="%d"}`, reason, status)); n != 1 {
			t.Errorf("%v exchanges with the reason %s, not 1", n, reason)
		}
	}
	now := float64(time.Now().Unix())
	if at := value(text, "thingpass_key_ring_created_timestamp_seconds"); at < now-600 || at > now {
		t.Errorf("the key ring was made at %v", at)
	}
	for certificate, days := range map[string]float64{"server": 825, "server-2": 825, "server-ca": 20 * 365, "device-ca": 365} {
		if at := value(text, `thingpass_certificate_not_after_timestamp_seconds{certificate="`+certificate+`"}`); at < now+(days-1)*86400 {
			t.Errorf("the certificate %s ends at %v", certificate, at)
		}
	}
	if n := value(text, `thingpass_database_seconds_count{kind="write"}`); n < 5 {
		t.Errorf("%v writes of the database", n)
	}
	if n := value(text, `thingpass_database_errors_total{kind="write"}`); n != 0 {
		t.Errorf("%v errors of the database, though all went well", n)
	}
	if !slices.Contains(strings.Fields(text), "1") || !strings.Contains(text, `thingpass_build_info{goversion="go`) {
		t.Error("no build info")
	}
}

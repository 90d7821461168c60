package templatetest

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	functionType = "AWS::Lambda::Function"
	queueType    = "AWS::SQS::Queue"
	alarmType    = "AWS::CloudWatch::Alarm"
)

// problems collects what is wrong.
type problems []string

func (p *problems) want(ok bool, format string, args ...any) {
	if !ok {
		*p = append(*p, fmt.Sprintf(format, args...))
	}
}

func runtimeIsTheBinary(t template) (p problems) {
	for id, f := range t.resources(functionType) {
		p.want(f.text("Runtime") == "provided.al2023", "%s: Runtime is %v", id, f.at("Runtime"))
		p.want(f.text("Handler") == "bootstrap", "%s: Handler is %v", id, f.at("Handler"))
		p.want(reflect.DeepEqual(f.list("Architectures"), []any{"arm64"}), "%s: Architectures are %v", id, f.at("Architectures"))
	}
	return p
}

// builtByMake: SAM looks for a target by the function's logical id.
func builtByMake(t template) (p problems) {
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	p.want(err == nil, "no Makefile: %v", err)
	for id := range t.resources(functionType) {
		method := t.Transformed.text("Resources", id, "Metadata", "BuildMethod")
		p.want(method == "makefile", "%s: BuildMethod is %q", id, method)
		p.want(strings.Contains(string(makefile), "\nbuild-"+id+":"), "%s: the Makefile has no target build-%s", id, id)
	}
	return p
}

// gatewayOutlastsFunction: the gateway cuts at 30 s whatever is asked of it,
// and the function's own limit, then its own 504, come before.
func gatewayOutlastsFunction(t template) (p problems) {
	for id, api := range t.resources("AWS::ApiGatewayV2::Api") {
		paths := api.node("Body", "paths")
		p.want(len(paths) > 0, "%s: no route", id)
		for _, path := range paths.names() {
			integration := paths.node(path, "x-amazon-apigateway-any-method", "x-amazon-apigateway-integration")
			millis := integration.number("timeoutInMillis")
			p.want(0 < millis && millis <= 30000, "%s %s: the integration's timeout is %v ms", id, path, millis)
			function := strings.TrimSuffix(target(map[string]any{"Fn::Sub": strings.SplitN(integration.text("uri", "Fn::Sub"), "functions/", 2)[1]}), "Aliaslive")
			f := t.resources(functionType)[function]
			seconds := f.number("Timeout")
			p.want(0 < seconds && seconds <= 29, "%s: Timeout is %v s", function, seconds)
			p.want(seconds*1000 < millis, "%s: Timeout %v s is not under the integration's %v ms", function, seconds, millis)
			own, err := time.ParseDuration(f.text("Environment", "Variables", "COPSE_TIMEOUT"))
			p.want(err == nil && own.Seconds() < seconds, "%s: COPSE_TIMEOUT %v is not under Timeout %v s", function, own, seconds)
		}
	}
	return p
}

func apiIsBounded(t template) (p problems) {
	stages := t.resources("AWS::ApiGatewayV2::Stage")
	p.want(len(stages) == 1, "%d stages", len(stages))
	for id, stage := range stages {
		p.want(stage.number("DefaultRouteSettings", "ThrottlingRateLimit") > 0, "%s: no rate limit", id)
		p.want(stage.number("DefaultRouteSettings", "ThrottlingBurstLimit") > 0, "%s: no burst limit", id)
		_, logged := t.resources("AWS::Logs::LogGroup")[target(stage.at("AccessLogSettings", "DestinationArn"))]
		p.want(logged, "%s: no access log", id)
		cors := t.Transformed.list("Resources", target(stage.at("ApiId")), "Properties", "Body", "x-amazon-apigateway-cors", "Fn::If")
		p.want(len(cors) == 3 && cors[0] == "HasCors", "%s: CORS is not up to HasCors", id)
	}
	return p
}

func logsAreJSONAndExpire(t template) (p problems) {
	groups := t.resources("AWS::Logs::LogGroup")
	for id, group := range groups {
		p.want(group.at("RetentionInDays") != nil, "%s: kept for ever", id)
	}
	owner := make(map[string]string)
	for id, f := range t.resources(functionType) {
		p.want(f.text("LoggingConfig", "LogFormat") == "JSON", "%s: LogFormat is %v", id, f.at("LoggingConfig", "LogFormat"))
		group := target(f.at("LoggingConfig", "LogGroup"))
		p.want(groups[group] != nil, "%s: no log group of its own", id)
		p.want(owner[group] == "", "%s: shares a log group with %s", id, owner[group])
		owner[group] = id
	}
	return p
}

func callsAreTraced(t template) (p problems) {
	for id, f := range t.resources(functionType) {
		p.want(f.text("TracingConfig", "Mode") == "Active", "%s: Tracing is %v", id, f.at("TracingConfig", "Mode"))
	}
	return p
}

// codeDeployConfigs are CodeDeploy's predefined ones for Lambda.
var codeDeployConfigs = []string{
	"CodeDeployDefault.LambdaAllAtOnce",
	"CodeDeployDefault.LambdaCanary10Percent5Minutes", "CodeDeployDefault.LambdaCanary10Percent10Minutes",
	"CodeDeployDefault.LambdaCanary10Percent15Minutes", "CodeDeployDefault.LambdaCanary10Percent30Minutes",
	"CodeDeployDefault.LambdaLinear10PercentEvery1Minute", "CodeDeployDefault.LambdaLinear10PercentEvery2Minutes",
	"CodeDeployDefault.LambdaLinear10PercentEvery3Minutes", "CodeDeployDefault.LambdaLinear10PercentEvery10Minutes",
}

// versionsShift: each function is called by an alias that moves gradually in
// production, and back when its own errors alarm goes off.
func versionsShift(t template) (p problems) {
	for id, f := range t.resources(functionType) {
		alias := t.Transformed.node("Resources", id+"Aliaslive")
		p.want(alias != nil, "%s: no alias live", id)
		update := alias.node("UpdatePolicy", "CodeDeployLambdaAliasUpdate")
		group := t.resources("AWS::CodeDeploy::DeploymentGroup")[target(update.at("DeploymentGroupName"))]
		p.want(group != nil, "%s: no gradual deployment", id)
		choice := group.list("DeploymentConfigName", "Fn::If")
		p.want(len(choice) == 3 && choice[0] == "IsProd", "%s: DeploymentPreference.Type is not up to IsProd", id)
		for _, config := range choice[min(1, len(choice)):] {
			p.want(slices.Contains(codeDeployConfigs, literal(config)), "%s: CodeDeploy knows no %s", id, literal(config))
		}
		preference := t.Source.node("Resources", id, "Properties", "DeploymentPreference")
		_, enabled := preference["Enabled"]
		p.want(!enabled, "%s: DeploymentPreference.Enabled is taken as true whatever it says", id)
		p.want(f.text("Handler") != "" && hasErrorsAlarm(t, id, group), "%s: its errors alarm is not in DeploymentPreference.Alarms", id)
	}
	return p
}

func hasErrorsAlarm(t template, function string, group node) bool {
	if on, _ := group.at("AlarmConfiguration", "Enabled").(bool); !on {
		return false
	}
	alarms := t.resources(alarmType)
	for _, named := range group.list("AlarmConfiguration", "Alarms") {
		m, _ := named.(map[string]any)
		alarm := alarms[target(m["Name"])]
		if alarm.text("Namespace") == "AWS/Lambda" && alarm.text("MetricName") == "Errors" &&
			target(dimension(alarm, "FunctionName")) == function && target(dimension(alarm, "Resource")) == function {
			return true
		}
	}
	return false
}

func dimension(alarm node, name string) any {
	for _, d := range alarm.list("Dimensions") {
		if m, _ := d.(map[string]any); m["Name"] == name {
			return m["Value"]
		}
	}
	return nil
}

func queuesAreEncrypted(t template) (p problems) {
	for id, queue := range t.resources(queueType) {
		own, _ := queue.at("SqsManagedSseEnabled").(bool)
		p.want(own || queue.at("KmsMasterKeyId") != nil, "%s: encryption is not stated", id)
	}
	return p
}

// managed are the policies that SAM itself adds.
var managed = regexp.MustCompile(`/(AWSLambdaBasicExecutionRole|AWSXrayWriteOnlyAccess|AWSCodeDeployRoleForLambda)$`)

func rightsAreLeast(t template) (p problems) {
	for id, role := range t.resources("AWS::IAM::Role") {
		for _, arn := range role.list("ManagedPolicyArns") {
			p.want(managed.MatchString(fmt.Sprint(arn)), "%s: has %v", id, arn)
		}
		for _, policy := range role.list("Policies") {
			p.want(!grantsAll(policy), "%s: a policy grants all actions or all resources", id)
		}
	}
	return p
}

// grantsAll reports whether a bare * or service:* stands anywhere below Action
// or Resource of a policy.
func grantsAll(value any) bool {
	switch v := value.(type) {
	case string:
		return v == "*" || strings.HasSuffix(v, ":*")
	case []any:
		return slices.ContainsFunc(v, grantsAll)
	case map[string]any:
		for _, member := range v {
			if grantsAll(member) {
				return true
			}
		}
	}
	return false
}

func parametersAreDescribed(t template) (p problems) {
	for name := range t.Source.node("Parameters") {
		p.want(t.Source.text("Parameters", name, "Description") != "", "parameter %s has no Description", name)
	}
	return p
}

// changesArePublished: the alias must move when only a parameter changed.
func changesArePublished(t template) (p problems) {
	for id := range t.resources(functionType) {
		all, _ := t.Source.at("Resources", id, "Properties", "AutoPublishAliasAllProperties").(bool)
		p.want(all, "%s: a changed parameter would not reach the alias", id)
	}
	return p
}

package templatetest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"example.com/copse/pkg/config"
	"example.com/copse/pkg/ingest"
)

const mappingType = "AWS::Lambda::EventSourceMapping"

// function is the logical id of the function behind an alias.
func function(alias any) string { return strings.TrimSuffix(target(alias), "Aliaslive") }

// nothingDangles: what a condition left out is not referred to.
func nothingDangles(t template) (p problems) {
	resources := t.Transformed.node("Resources")
	for _, section := range []string{"Resources", "Outputs"} {
		for id, value := range t.Transformed.node(section) {
			for _, to := range references(value) {
				p.want(resources.node(to) != nil, "%s refers to %s, which is not there", id, to)
			}
		}
	}
	return p
}

// ofQueue says whether a mapping reads a queue, and not a stream.
func ofQueue(mapping node) bool {
	arn, ok := mapping.at("EventSourceArn").(string)
	return !ok || strings.Contains(arn, ":sqs:")
}

// messagesOutliveRetries: a message must stay hidden for all tries of its
// batch, and get enough tries before it is given up.
func messagesOutliveRetries(t template) (p problems) {
	queues := t.resources(queueType)
	for id, mapping := range t.resources(mappingType) {
		queue := queues[target(mapping.at("EventSourceArn"))]
		if queue == nil {
			continue // not of this stack
		}
		f := t.resources(functionType)[function(mapping.at("FunctionName"))]
		visible, timeout := queue.number("VisibilityTimeout"), f.number("Timeout")
		p.want(timeout > 0 && visible >= 6*timeout, "%s: VisibilityTimeout %v is under 6 × Timeout %v", id, visible, timeout)
		receives := queue.number("RedrivePolicy", "maxReceiveCount")
		p.want(receives >= 5, "%s: maxReceiveCount is %v", id, receives)
		kept := queue.number("MessageRetentionPeriod")
		p.want(kept > receives*visible, "%s: messages are kept for %v s, less than their tries take", id, kept)
		dead := queues[target(queue.at("RedrivePolicy", "deadLetterTargetArn"))]
		p.want(dead != nil, "%s: its queue has no dead-letter queue", id)
		p.want(dead.number("MessageRetentionPeriod") > kept, "%s: dead letters expire before messages do", id)
		p.want(reflect.DeepEqual(dead.at("FifoQueue"), queue.at("FifoQueue")), "%s: a dead-letter queue must be FIFO exactly where its queue is", id)
	}
	return p
}

// failuresAreReported: without exactly this, failed records are deleted.
func failuresAreReported(t template) (p problems) {
	for id, mapping := range t.resources(mappingType) {
		got := mapping.list("FunctionResponseTypes")
		p.want(reflect.DeepEqual(got, []any{"ReportBatchItemFailures"}), "%s: FunctionResponseTypes is %v", id, got)
	}
	return p
}

// mappingsAreLegal: what Lambda refuses only when the mapping is made.
func mappingsAreLegal(t template) (p problems) {
	for id, mapping := range t.resources(mappingType) {
		size, window := mapping.number("BatchSize"), mapping.number("MaximumBatchingWindowInSeconds")
		_, published := t.Transformed.node("Resources")[target(mapping.at("FunctionName"))]
		p.want(published && strings.HasSuffix(target(mapping.at("FunctionName")), "Aliaslive"), "%s: calls no alias", id)
		if !ofQueue(mapping) {
			p.want(size <= 10000, "%s: BatchSize is %v", id, size)
			continue
		}
		fifo, _ := t.resources(queueType)[target(mapping.at("EventSourceArn"))].at("FifoQueue").(bool)
		p.want(!fifo || size <= 10 && window < 0, "%s: of a FIFO queue, BatchSize is %v and the window %v", id, size, window)
		p.want(size <= 10 || window >= 1, "%s: a batch of %v needs a window", id, size)
		most := mapping.number("ScalingConfig", "MaximumConcurrency")
		p.want(2 <= most && most <= 1000, "%s: MaximumConcurrency is %v", id, most)
	}
	return p
}

// streamsMoveOn: a record that fails for ever must not hold up its shard for
// longer than was asked for, and what it was is kept.
func streamsMoveOn(t template) (p problems) {
	for id, mapping := range t.resources(mappingType) {
		if ofQueue(mapping) {
			continue
		}
		bisect, _ := mapping.at("BisectBatchOnFunctionError").(bool)
		p.want(bisect, "%s: does not bisect", id)
		retries, age := mapping.number("MaximumRetryAttempts"), mapping.number("MaximumRecordAgeInSeconds")
		p.want(retries >= 0, "%s: MaximumRetryAttempts is %v", id, retries)
		p.want(60 <= age && age <= 604800, "%s: MaximumRecordAgeInSeconds is %v", id, age)
		to := target(mapping.at("DestinationConfig", "OnFailure", "Destination"))
		p.want(t.resources(queueType)[to] != nil, "%s: no on-failure destination", id)
		p.want(slices.Contains(rights(t), "sqs:SendMessage "+to), "%s: the function may not write to %s", id, to)
		p.want(alarm(t, "AWS/Lambda", "IteratorAge", "FunctionName", function(mapping.at("FunctionName"))) != nil, "%s: no alarm on the iterator's age", id)
		p.want(mapping.at("StartingPosition") != nil, "%s: no StartingPosition", id)
	}
	return p
}

// callsAreBounded: what is invoked without waiting is tried for a bounded
// time, and kept when it is given up.
func callsAreBounded(t template) (p problems) {
	asked := t.resources("AWS::Lambda::EventInvokeConfig")
	p.want(len(asked) == 1, "%d configurations of asynchronous calls", len(asked))
	for id, c := range asked {
		p.want(c.number("MaximumEventAgeInSeconds") >= 3600, "%s: MaximumEventAgeInSeconds is %v", id, c.at("MaximumEventAgeInSeconds"))
		p.want(c.number("MaximumRetryAttempts") == 2, "%s: MaximumRetryAttempts is %v", id, c.at("MaximumRetryAttempts"))
		p.want(t.resources(queueType)[target(c.at("DestinationConfig", "OnFailure", "Destination"))] != nil, "%s: no on-failure destination", id)
		p.want(c.text("Qualifier") == "live" || target(c.at("Qualifier")) != "" || strings.Contains(fmt.Sprint(c.at("Qualifier")), "live"), "%s: is not of the alias", id)
		p.want(alarm(t, "AWS/Lambda", "DestinationDeliveryFailures", "FunctionName", target(c.at("FunctionName"))) != nil, "%s: no alarm on lost failures", id)
	}
	return p
}

// mayWrite reports whether a queue's policy lets a service write to it for a
// source, and for nobody else.
func mayWrite(t template, queue, service string, source any) bool {
	for _, policy := range t.resources("AWS::SQS::QueuePolicy") {
		for _, statement := range policy.list("PolicyDocument", "Statement") {
			m, _ := statement.(map[string]any)
			s := node(m)
			if s.text("Principal", "Service") == service && s.text("Effect") == "Allow" && s.text("Action") == "sqs:SendMessage" &&
				target(s.at("Resource")) == queue && reflect.DeepEqual(s.at("Condition", "ArnEquals", "aws:SourceArn"), source) {
				return true
			}
		}
	}
	return false
}

// mayCall reports whether a service may call an alias for a source.
func mayCall(t template, alias, service string, source any) bool {
	for _, permission := range t.resources("AWS::Lambda::Permission") {
		if target(permission.at("FunctionName")) == alias && permission.text("Principal") == service &&
			reflect.DeepEqual(permission.at("SourceArn"), source) {
			return true
		}
	}
	return false
}

// rulesDeliver: a rule may call what it calls, tries again, and what it cannot
// deliver is kept.
func rulesDeliver(t template) (p problems) {
	for id, rule := range t.resources("AWS::Events::Rule") {
		arn := map[string]any{"Fn::GetAtt": []any{id, "Arn"}}
		for _, each := range rule.list("Targets") {
			m, _ := each.(map[string]any)
			to := node(m)
			p.want(mayCall(t, target(to.at("Arn")), "events.amazonaws.com", arn), "%s: may not call %s", id, target(to.at("Arn")))
			p.want(to.number("RetryPolicy", "MaximumRetryAttempts") > 0, "%s: is not tried again", id)
			age := to.number("RetryPolicy", "MaximumEventAgeInSeconds")
			p.want(60 <= age && age <= 86400, "%s: MaximumEventAgeInSeconds is %v", id, age)
			dead := target(to.at("DeadLetterConfig", "Arn"))
			p.want(t.resources(queueType)[dead] != nil, "%s: no dead-letter queue", id)
			p.want(mayWrite(t, dead, "events.amazonaws.com", arn), "%s: may not write to %s", id, dead)
		}
	}
	return p
}

// topicsDeliver: the same for subscriptions.
func topicsDeliver(t template) (p problems) {
	for id, s := range t.resources("AWS::SNS::Subscription") {
		to := target(s.at("Endpoint"))
		if s.text("Protocol") == "lambda" {
			p.want(mayCall(t, to, "sns.amazonaws.com", s.at("TopicArn")), "%s: may not call %s", id, to)
		} else {
			p.want(mayWrite(t, to, "sns.amazonaws.com", s.at("TopicArn")), "%s: may not write to %s", id, to)
		}
		if fifo, _ := t.resources(queueType)[to].at("FifoQueue").(bool); fifo {
			p.want(s.at("RedrivePolicy") == nil, "%s: dead letters of a FIFO topic cannot go to a standard queue", id)
			continue
		}
		dead := target(s.at("RedrivePolicy", "deadLetterTargetArn"))
		p.want(mayWrite(t, dead, "sns.amazonaws.com", s.at("TopicArn")), "%s: may not write to its dead-letter queue", id)
	}
	return p
}

// alarm finds an alarm on a metric of something, by logical id or name.
func alarm(t template, namespace, metric, name, of string) node {
	for _, a := range t.resources(alarmType) {
		value := dimension(a, name)
		if a.text("Namespace") == namespace && a.text("MetricName") == metric && (target(value) == of || value == of) {
			return a
		}
	}
	return nil
}

// queuesAreWatched: a dead-letter queue that nobody looks at is a loss, and so
// is an input queue that stands still.
func queuesAreWatched(t template) (p problems) {
	read := make(map[string]bool)
	for id, mapping := range t.resources(mappingType) {
		if !ofQueue(mapping) {
			continue
		}
		name := target(mapping.at("EventSourceArn"))
		if arn, ok := mapping.at("EventSourceArn").(string); ok {
			name = arn[strings.LastIndex(arn, ":")+1:]
		}
		read[name] = true
		p.want(alarm(t, "AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", name) != nil, "%s: no alarm on the age of its oldest message", id)
	}
	depth := func(name string) bool {
		return alarm(t, "AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", name) != nil
	}
	for id := range t.resources(queueType) {
		p.want(read[id] || depth(id), "%s: is read by nobody, and no alarm is on its depth", id)
	}
	dead := t.resources(functionType)["EventsFunction"].text("Environment", "Variables", "COPSE_DEAD_LETTER")
	if name := dead[strings.LastIndex(dead, "/")+1:]; name != "" {
		p.want(depth(name), "no alarm on the depth of %s", name)
	}
	return p
}

// settingsAreKnown: a function refuses to start with a setting that it lacks,
// or whose value it cannot read.
func settingsAreKnown(t template) (p problems) {
	for id, f := range t.resources(functionType) {
		variables := f.node("Environment", "Variables")
		given := make(map[string]string)
		for _, name := range variables.names() {
			value, ok := variables.at(name).(string)
			p.want(ok, "%s: %s is %v", id, name, variables.at(name))
			given[name] = value
		}
		c, err := config.FromMap(given)
		p.want(err == nil, "%s: %v", id, err)
		if err != nil {
			continue
		}
		_, err = ingest.ParseTemplate(c.ResultName)
		p.want(err == nil, "%s: COPSE_RESULT_NAME: %v", id, err)
		readable, err := ingest.ParseLocations(c.Objects)
		p.want(err == nil, "%s: COPSE_OBJECTS: %v", id, err)
		if !strings.HasPrefix(c.Sink, "s3://") {
			continue
		}
		sink, err := ingest.ParseLocation(c.Sink)
		p.want(err == nil && sink.Prefix != "", "%s: COPSE_SINK %s: %v", id, c.Sink, err)
		for _, l := range readable {
			p.want(!l.Overlaps(sink), "%s: results in %s would be read as input from %s", id, sink, l)
		}
	}
	return p
}

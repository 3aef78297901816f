package kafka

// CloudEventPrefix is what CloudEvents' protocol binding for Kafka puts before
// the names of attributes that are headers.
func (*Broker) CloudEventPrefix() string { return "ce_" }

package rabbitmq

// CloudEventPrefix is what CloudEvents' protocol binding for AMQP puts before
// the names of attributes that are headers.
func (*Broker) CloudEventPrefix() string { return "cloudEvents:" }

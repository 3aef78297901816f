package fetch

var (
	CleanName = cleanName
	NotPublic = notPublic
)

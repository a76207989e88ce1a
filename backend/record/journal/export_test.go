package journal

// QuarantineMost is Quarantine with another cap.
var QuarantineMost = quarantine

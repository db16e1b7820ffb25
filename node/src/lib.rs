//! swarmbed-node

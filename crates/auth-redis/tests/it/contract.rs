//! The contracts of the ports, on one server and on a cluster.

mod on_one_server {
    use crate::single;

    mod limiter {
        auth_testkit::limiter_contract!(super::single);
    }
    mod codes {
        auth_testkit::codes_contract!(super::single);
    }
    mod challenges {
        auth_testkit::challenges_contract!(super::single);
    }
    mod ledger {
        auth_testkit::ledger_contract!(super::single);
    }
}

mod on_a_cluster {
    use crate::cluster;

    mod limiter {
        auth_testkit::limiter_contract!(super::cluster);
    }
    mod codes {
        auth_testkit::codes_contract!(super::cluster);
    }
    mod challenges {
        auth_testkit::challenges_contract!(super::cluster);
    }
    mod ledger {
        auth_testkit::ledger_contract!(super::cluster);
    }
}

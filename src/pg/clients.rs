//! stub
use super::error::PgError;
use super::settings::Target;
use super::wire::Wire;
use std::sync::Mutex;
#[derive(Debug)]
pub struct Clients {
    target: Target,
    idle: Mutex<Vec<Wire>>,
}
impl Clients {
    pub fn new(target: Target) -> Self {
        Self {
            target,
            idle: Mutex::default(),
        }
    }
    pub fn connect(&self) -> Result<Wire, PgError> {
        let n = std::sync::Arc::new(Mutex::new(Vec::new()));
        let mut c = self.target.0.clone();
        let n2 = n.clone();
        c.notice_callback(move |x| {
            n2.lock().unwrap().push(super::wire::PgNotice {
                severity: x.severity().into(),
                sqlstate: x.code().code().into(),
                message: x.message().into(),
            })
        });
        Ok(Wire::new(c.connect(postgres::NoTls)?, n))
    }
    pub fn put_back(&self, w: Wire) {
        self.idle.lock().unwrap().push(w)
    }
    pub fn with<T, E: From<PgError>>(
        &self,
        work: impl FnOnce(&mut Wire) -> Result<T, E>,
    ) -> Result<T, E> {
        let idle = self.idle.lock().unwrap().pop();
        let mut w = match idle {
            Some(w) => w,
            None => self.connect()?,
        };
        let r = work(&mut w);
        if r.is_ok() && !w.is_closed() {
            self.put_back(w)
        }
        r
    }
    pub fn cancel_all(&self) {}
}

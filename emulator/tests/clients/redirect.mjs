// The clients know Amazon's hosts alone. What they send there by HTTPS goes to the emulator, by HTTP.
import http from 'node:http';
import https from 'node:https';

const emulator = new URL(process.env.EMULATOR);
https.request = (options, answered) =>
  http.request(
    {
      method: options.method,
      path: options.path,
      headers: options.headers,
      hostname: emulator.hostname,
      port: emulator.port,
    },
    answered,
  );

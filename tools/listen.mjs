// Loopback only, on the wanted port or the next free one.

const HOST = "127.0.0.1";
const TRIES = 20;

/**
 * @param {import("node:http").Server} server
 * @param {{ port: number, name: string, say?: (message: string) => void }} options port 0 takes any free one
 * @returns {Promise<string>} its origin
 */
export async function listen(server, { port, name, say = () => {} }) {
  for (let tried = port; ; tried += 1) {
    try {
      await bind(server, tried);
      break;
    } catch (error) {
      const taken = error.code === "EADDRINUSE" || error.code === "EACCES";
      if (!taken || tried - port >= TRIES) throw error;
      say(`Port ${tried} is taken: trying ${tried + 1} for ${name}.`);
    }
  }
  return `http://${HOST}:${server.address().port}`;
}

function bind(server, port) {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, HOST, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

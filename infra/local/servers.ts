import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Resolves with the port; rejects with a sentence for the operator. */
export async function listen(server: Server, port: number, host: string): Promise<number> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') {
      throw new Error(`Port ${port} is in use. Stop what uses it, or choose another one: PORT=${port + 1} npm start`);
    }
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
      throw new Error(`${host} is no address of this machine. Set HOST to one, 127.0.0.1 for this machine alone.`);
    }
    if (code === 'EACCES')
      throw new Error(`Port ${port} may not be opened by this user. Choose one above 1023: PORT=3000 npm start`);
    throw error;
  }
  return (server.address() as AddressInfo).port;
}

export function stopAccepting(server: Server): void {
  server.close();
  server.closeIdleConnections();
}

export function closeServer(server: Server): void {
  if (server.listening) server.close();
  server.closeAllConnections();
}

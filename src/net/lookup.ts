/**
 * Name lookups that cannot hold up the rest. `getaddrinfo` runs on the few threads that file system calls run on as
 * well, and may take half a minute where a name server is dead: so each name is looked up once at a time, however
 * many connections wait for it, and only two names at once.
 */
import { type LookupAddress, lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import pLimit from 'p-limit';

const MOST_AT_ONCE = 2;

export function createLookup(): LookupFunction {
  const limit = pLimit(MOST_AT_ONCE);
  const underWay = new Map<string, Promise<LookupAddress[]>>();
  const find = (name: string, hints: number | undefined) => {
    let found = underWay.get(name);
    if (!found) {
      found = limit(() => addressesOf(name, hints)).finally(() => underWay.delete(name));
      underWay.set(name, found);
    }
    return found;
  };
  return (name, { family, all, hints }, callback) => {
    const wanted = family === 'IPv4' ? 4 : family === 'IPv6' ? 6 : family || undefined;
    find(name, hints).then(
      (addresses) => {
        const fitting = addresses.filter((address) => wanted === undefined || address.family === wanted);
        const [first] = fitting;
        if (all) callback(null, fitting);
        else if (first) callback(null, first.address, first.family);
        else callback(Object.assign(new Error(`no address of ${name}`), { code: 'ENOTFOUND' }), '');
      },
      (error) => callback(error, all ? [] : ''),
    );
  };
}

function addressesOf(name: string, hints: number | undefined): Promise<LookupAddress[]> {
  return new Promise((resolve, reject) => {
    lookup(name, { all: true, hints }, (error, addresses) => (error ? reject(error) : resolve(addresses)));
  });
}

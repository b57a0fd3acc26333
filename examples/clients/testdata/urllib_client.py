"""Pays once, or changes a note, with Python's standard library alone, and prints
what it saw as JSON:

    python3 urllib_client.py pay URL AMOUNT...
    python3 urllib_client.py edit URL

urllib takes every status from 300 on for an error, a 304 among them, and raises
it: the answer is the error.
"""

import base64
import http.client
import json
import sys
import time
import urllib.error
import urllib.request

ANN = {"Authorization": "Basic " + base64.b64encode(b"ann:").decode()}
PATIENCE = 30  # seconds without an answer


def send(method, url, body=None, headers=()):
    """Sends one request; returns status, headers, text and the problem, or None."""
    request = urllib.request.Request(url, body and body.encode(), {**ANN, **dict(headers)}, method=method)
    try:
        answer = urllib.request.urlopen(request, timeout=PATIENCE)
    except urllib.error.HTTPError as err:
        answer = err
    with answer:
        text = answer.read().decode()
    problem = None
    if answer.headers.get("Content-Type") == "application/problem+json":
        problem = json.loads(text)
    return answer.status, answer.headers, text, problem


def post(url, key, body, attempts=6):
    """Sends a POST until its outcome is known, with one key."""
    for attempt in range(1, attempts + 1):
        try:
            status, headers, text, problem = send("POST", url, body, {"Idempotency-Key": json.dumps(key)})
        except (urllib.error.URLError, http.client.HTTPException, OSError):
            if attempt == attempts:
                raise
            time.sleep(0.05 * 2**attempt)
            continue
        if not (problem and problem["retryable"]) or attempt == attempts:
            break
        time.sleep(float(headers.get("Retry-After") or 1))
    return {
        "status": status,
        "replayed": headers.get("Idempotency-Replayed") == "true",
        "location": headers.get("Location") or "",
        "text": "" if problem else text,
        "problem": problem,
        "attempts": attempt,
    }


def edit(url):
    """Reads a note twice, and saves it twice with the tag that it had first."""
    _, headers, text, _ = send("GET", url)
    tag = headers["ETag"]
    again, *_ = send("GET", url, headers={"If-None-Match": tag})
    saved, *_ = send("PUT", url, text + " Buy bread.", {"If-Match": tag})
    stale, _, _, problem = send("PUT", url, text + " Buy tea.", {"If-Match": tag})
    return {"again": again, "saved": saved, "stale": stale, "problem": problem}


if __name__ == "__main__":
    what, url, *amounts = sys.argv[1:]
    result = edit(url) if what == "edit" else [post(url, "order-1", amount) for amount in amounts]
    print(json.dumps(result))

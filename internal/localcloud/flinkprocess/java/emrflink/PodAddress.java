// SPDX-License-Identifier: Apache-2.0

package emrflink;

import com.sun.net.httpserver.HttpContext;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsServer;
import com.sun.net.httpserver.spi.HttpServerProvider;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.concurrent.Executor;

/**
 * Binds the JDK's HTTP servers to the address of the pod. Flink's reporter for Prometheus listens on all addresses and has no
 * setting for that: two pods on one machine would take each other's port, and the network would see it.
 */
public final class PodAddress extends HttpServerProvider {
    private final HttpServerProvider own;

    public PodAddress() throws ReflectiveOperationException {
        own = (HttpServerProvider) Class.forName("sun.net.httpserver.DefaultHttpServerProvider").getConstructor().newInstance();
    }

    @Override
    public HttpServer createHttpServer(InetSocketAddress at, int backlog) throws IOException {
        return new Server(own.createHttpServer(ofPod(at), backlog));
    }

    @Override
    public HttpsServer createHttpsServer(InetSocketAddress at, int backlog) throws IOException {
        return own.createHttpsServer(ofPod(at), backlog);
    }

    private static InetSocketAddress ofPod(InetSocketAddress at) {
        return at != null && at.getAddress() != null && at.getAddress().isAnyLocalAddress()
            ? new InetSocketAddress(System.getProperty("emrflink.pod.address"), at.getPort()) : at;
    }

    private static final class Server extends HttpServer {
        private final HttpServer own;

        Server(HttpServer own) { this.own = own; }

        @Override public void bind(InetSocketAddress at, int backlog) throws IOException { own.bind(ofPod(at), backlog); }
        @Override public void start() { own.start(); }
        @Override public void setExecutor(Executor e) { own.setExecutor(e); }
        @Override public Executor getExecutor() { return own.getExecutor(); }
        @Override public void stop(int delay) { own.stop(delay); }
        @Override public HttpContext createContext(String path, HttpHandler h) { return own.createContext(path, h); }
        @Override public HttpContext createContext(String path) { return own.createContext(path); }
        @Override public void removeContext(String path) { own.removeContext(path); }
        @Override public void removeContext(HttpContext c) { own.removeContext(c); }
        @Override public InetSocketAddress getAddress() { return own.getAddress(); }
    }
}

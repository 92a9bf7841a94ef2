import java.util.List;
import java.util.Properties;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;

/**
 * Adds a rule to a broker with an authorizer, or removes it: properties of a client as key=value, "remove" where that is
 * wanted, then the rule's five words.
 */
public final class AclTool {
    public static void main(String[] args) throws Exception {
        int rule = args.length - 5;
        Properties properties = new Properties();
        boolean remove = args[rule - 1].equals("remove");
        for (int i = 0; i < (remove ? rule - 1 : rule); i++) {
            String[] pair = args[i].split("=", 2);
            properties.put(pair[0], pair[1]);
        }
        var resource = new ResourcePattern(ResourceType.fromString(args[rule + 3]), args[rule + 4], PatternType.LITERAL);
        var entry = new AccessControlEntry(
            args[rule], "*", AclOperation.fromString(args[rule + 2]), AclPermissionType.fromString(args[rule + 1]));
        var binding = new AclBinding(resource, entry);
        try (var admin = Admin.create(properties)) {
            if (remove) {
                admin.deleteAcls(List.of(binding.toFilter())).all().get();
            } else {
                admin.createAcls(List.of(binding)).all().get();
            }
        }
    }
}
